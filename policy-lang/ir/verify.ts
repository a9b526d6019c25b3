import { builtinByName } from '../builtins/table.ts'
import { invariant } from '../source/invariant.ts'
import type { Expr } from './nodes.ts'
import type { Program, Rule } from './program.ts'
import { childrenOf, mayBeAbsent } from './walk.ts'

/** Checks that every node fits its place; a failure is a bug of the compiler, never the author's mistake. */
export function verifyProgram(program: Program): void {
  for (const rule of program.rules) verifyRule(rule)
  verifySchema(program)
}

/** As `verifyProgram`, of a program whose rules were each verified when they were made. */
export function verifySchema(program: Program): void {
  for (const delegate of program.delegates) verifyCondition(delegate.condition, 'delegate')
  for (const proof of program.proofs) verifyCondition(proof.condition, `proof ${proof.title}`)
  for (const condition of program.tupleConditions.values()) {
    invariant(condition.body.type.kind === 'bool', `tuple condition ${condition.name} is no Bool`)
    verifyExpr(
      condition.body,
      new Set(condition.params.map((param) => param.name)),
      `tuple condition ${condition.name}`,
    )
  }
  for (const entries of program.partitions.values())
    for (const entry of entries)
      invariant(program.rules[entry.rule]?.disabled === false, 'a partition names a rule that does not count')
}

export function verifyRule(rule: Rule): void {
  verifyCondition(rule.condition, `rule ${rule.id}`)
  for (const { args } of rule.advise)
    for (const arg of Object.values(args)) verifyExpr(arg, new Set(), `advice of ${rule.id}`)
}

function verifyCondition(condition: Expr, where: string): void {
  invariant(condition.type.kind === 'bool' && !mayBeAbsent(condition), `${where} is no Bool`)
  verifyExpr(condition, new Set(), where)
}

function verifyExpr(expr: Expr, locals: ReadonlySet<string>, where: string): void {
  switch (expr.kind) {
    case 'variable':
      invariant(expr.scope === 'request' || locals.has(expr.name), `${where}: unbound local ${expr.name}`)
      return
    case 'let':
      verifyExpr(expr.value, locals, where)
      invariant(!locals.has(expr.name), `${where}: the local ${expr.name} is bound twice`)
      verifyExpr(expr.body, new Set(locals).add(expr.name), where)
      return
    case 'quantifier':
      invariant(expr.over.type.kind === 'set', `${where}: a quantifier over no set`)
      verifyExpr(expr.over, locals, where)
      verifyExpr(expr.body, new Set(locals).add(expr.variable), where)
      return
    case 'and':
    case 'or':
      invariant(expr.operands.length > 1, `${where}: ${expr.kind} of fewer than two`)
      for (const operand of expr.operands) invariant(operand.type.kind === 'bool', `${where}: ${expr.kind} of no Bool`)
      break
    case 'not':
      invariant(expr.operand.type.kind === 'bool', `${where}: not of no Bool`)
      break
    case 'has':
      invariant(mayBeAbsent(expr.of), `${where}: has of something that is never absent`)
      break
    case 'holds':
      invariant(!mayBeAbsent(expr.subject), `${where}: an absent subject`)
      break
    case 'call':
      invariant(expr.name === 'allowed' || builtinByName.has(expr.name), `${where}: no built-in ${expr.name}`)
      break
    case 'compare':
      invariant(
        expr.op === 'eq' || !(mayBeAbsent(expr.left) || mayBeAbsent(expr.right)),
        `${where}: an order of absent values`,
      )
      break
  }
  for (const child of childrenOf(expr)) verifyExpr(child, locals, where)
}
