import type { Expr } from '../../ir/nodes.ts'
import { mapChildren, walk } from '../../ir/walk.ts'
import { type Environment, evaluate } from '../../runtime/evaluate.ts'
import { allOf, anyOf, isTrue, type Outcome, strict, valued } from '../../runtime/outcome.ts'
import { conditionText } from './condition-text.ts'

/** A condition as connectives over atoms that have been judged: it can be judged again with some atoms turned. */
export type Formula =
  | { readonly kind: 'fixed'; readonly outcome: Outcome }
  | { readonly kind: 'atom'; readonly atom: Atom }
  | { readonly kind: 'not'; readonly of: Formula }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Formula[] }
  | { readonly kind: 'if'; readonly test: Formula; readonly yes: Formula; readonly no: Formula }

export type Atom = {
  /** Equal exactly for conditions that are always judged alike in this decision. */
  readonly key: string
  readonly expr: Expr
  readonly env: Environment
  readonly outcome: Outcome
  /** Of locals that stand in it: what they were bound to. */
  readonly bindings: ReadonlyMap<string, Expr>
}

/** Truths that replace those of atoms. */
export type Turned = (atom: Atom) => Outcome | undefined

/**
 * `scope` keeps the locals of one rule apart from those of another. `isOpen`: a `let` is opened though its value fails, so
 * that the shape hangs on no data.
 */
export function formulaOf(expr: Expr, env: Environment, scope: string, isOpen = false): Formula {
  return build(expr, { env, scope, isOpen, bindings: new Map() })
}

export function judgeFormula(formula: Formula, turned: Turned): Outcome {
  switch (formula.kind) {
    case 'fixed':
      return formula.outcome
    case 'atom':
      return turned(formula.atom) ?? formula.atom.outcome
    case 'not': {
      const operand = judgeFormula(formula.of, turned)
      return strict([operand], () => valued(!isTrue(operand)))
    }
    case 'and':
      return allOf(formula.operands.map((operand) => judgeFormula(operand, turned)))
    case 'or':
      return anyOf(formula.operands.map((operand) => judgeFormula(operand, turned)))
    case 'if': {
      const test = judgeFormula(formula.test, turned)
      return test.kind === 'error' ? test : judgeFormula(isTrue(test) ? formula.yes : formula.no, turned)
    }
  }
}

/** Each atom once, in order of appearance. */
export function atomsIn(formulas: readonly Formula[]): readonly Atom[] {
  const found = new Map<string, Atom>()
  const visit = (formula: Formula): void => {
    if (formula.kind === 'atom' && !found.has(formula.atom.key)) found.set(formula.atom.key, formula.atom)
    for (const operand of operandsOf(formula)) visit(operand)
  }
  for (const formula of formulas) visit(formula)
  return [...found.values()]
}

/** Keys of the atoms on which the outcome rests: turning any other one changes nothing. */
export function decisiveAtoms(formula: Formula, found = new Set<string>()): ReadonlySet<string> {
  if (formula.kind === 'atom') found.add(formula.atom.key)
  for (const operand of decisiveOperands(formula)) decisiveAtoms(operand, found)
  return found
}

const asIs: Turned = () => undefined

export function operandsOf(formula: Formula): readonly Formula[] {
  if (formula.kind === 'and' || formula.kind === 'or') return formula.operands
  if (formula.kind === 'if') return [formula.test, formula.yes, formula.no]
  return formula.kind === 'not' ? [formula.of] : []
}

function decisiveOperands(formula: Formula): readonly Formula[] {
  if (formula.kind === 'and' || formula.kind === 'or') {
    const whole = judgeFormula(formula, asIs)
    const alike = formula.operands.filter((operand) => sameTruth(judgeFormula(operand, asIs), whole))
    // One that decides alone is enough; what all had to agree on rests on all.
    const isAlone = whole.kind === 'error' || isTrue(whole) === (formula.kind === 'or')
    return isAlone ? alike : formula.operands
  }
  if (formula.kind !== 'if') return operandsOf(formula)
  const test = judgeFormula(formula.test, asIs)
  if (test.kind === 'error') return [formula.test]
  return [formula.test, isTrue(test) ? formula.yes : formula.no]
}

const sameTruth = (one: Outcome, other: Outcome): boolean =>
  one.kind === other.kind && (one.kind !== 'value' || isTrue(one) === isTrue(other))

type Building = {
  readonly env: Environment
  readonly scope: string
  readonly isOpen: boolean
  readonly bindings: ReadonlyMap<string, Expr>
}

function build(expr: Expr, at: Building): Formula {
  switch (expr.kind) {
    case 'literal':
      return { kind: 'fixed', outcome: valued(expr.value) }
    case 'and':
    case 'or':
      return { kind: expr.kind, operands: expr.operands.map((operand) => build(operand, at)) }
    case 'not':
      return { kind: 'not', of: build(expr.operand, at) }
    case 'if':
      return { kind: 'if', test: build(expr.test, at), yes: build(expr.then, at), no: build(expr.otherwise, at) }
    case 'let':
      return buildLet(expr, at)
    default:
      return atomOf(expr, at)
  }
}

/** A `let` whose value fails makes the whole fail, so it is one atom; else its body is opened. */
function buildLet(expr: Expr & { readonly kind: 'let' }, at: Building): Formula {
  const value = evaluate(expr.value, at.env)
  if (expr.optional || (value.kind === 'error' && !at.isOpen)) return atomOf(expr, at)
  const env = { ...at.env, locals: new Map(at.env.locals).set(expr.name, value) }
  return build(expr.body, { ...at, env, bindings: new Map(at.bindings).set(expr.name, expr.value) })
}

function atomOf(expr: Expr, { env, scope, bindings }: Building): Formula {
  const plain = inPlace(expr, bindings)
  const outcome = evaluate(expr, env)
  return { kind: 'atom', atom: { key: keyOf(plain, env, scope), expr: plain, env, outcome, bindings } }
}

/** Paths stand where the local stood that was bound to them; what was computed keeps the author's name. */
function inPlace(expr: Expr, bindings: ReadonlyMap<string, Expr>): Expr {
  if (bindings.size === 0) return expr
  return replaceLocals(expr, (name) => {
    const bound = bindings.get(name)
    return bound && isPath(bound) ? inPlace(bound, bindings) : undefined
  })
}

function keyOf(expr: Expr, env: Environment, scope: string): string {
  const marks = new Set<string>()
  walk(expr, (node) => {
    if (node.kind === 'variable' && node.scope === 'local' && node.name.includes('$')) marks.add(scope)
    if (node.kind === 'permitted' || (node.kind === 'variable' && node.name === 'action')) marks.add(env.action)
    // A failed extern is an error in a deny whatever its default says (SPEC 5.7).
    if (node.kind === 'extern') marks.add(env.effect)
  })
  return [conditionText(expr), ...marks].join('\u0000')
}

const isPath = (expr: Expr): boolean =>
  expr.kind === 'attribute' ? expr.key === undefined && isPath(expr.of) : expr.kind === 'variable'

function replaceLocals(expr: Expr, replacement: (name: string) => Expr | undefined): Expr {
  if (expr.kind === 'variable') return (expr.scope === 'local' ? replacement(expr.name) : undefined) ?? expr
  return mapChildren(expr, (child) => replaceLocals(child, replacement))
}
