import { hash } from 'node:crypto'
import { keyOfValue } from '../builtins/equal-values.ts'
import type { Expr } from './nodes.ts'
import type { Program, RelationExpr, Rule } from './program.ts'
import type { FieldType, Type } from './types.ts'

/** A text that two expressions share exactly when they mean the same by structure: no spans, no names of locals, no order
 *  or duplicates among operands of `and` and `or`, members of sets, or sides of `==`. */
export const canonicalText = (expr: Expr): string => text(expr, [])

/** The id of a rule that has none: its place and 12 hex digits of the sha-256 of what it says (SPEC 5). */
export const ruleIdOf = (rule: Omit<Rule, 'id'>, place: string): string =>
  `${place}:${sha256(ruleText(rule)).slice(0, 12)}`

/** sha-256 of a rule: its id and what it says. Whether it is disabled is for others to say. */
export const ruleDigest = (rule: Rule): string => sha256(`${JSON.stringify(rule.id)}${ruleText(rule)}`)

/**
 * sha-256 over canonical IR: items sorted; comments, tests, proofs, layout and places left out (SPEC 6, identity). `digests`
 * are those of the rules, in their order, where they are known.
 */
export function programHash(
  program: Omit<Program, 'hash' | 'sourceVersion'>,
  digests: readonly string[] = program.rules.map(ruleDigest),
): string {
  // Rules stand sorted by their ids, which are unique. One short part for each: there may be very many.
  const rules = program.rules.map((rule, index) => (rule.disabled ? `-${digests[index]}` : digests[index]))
  return sha256([...declarationParts(program), 'rules', ...rules].join('\n'))
}

/** All but the rules, in one order. */
function declarationParts(program: Omit<Program, 'hash' | 'sourceVersion'>): readonly string[] {
  const parts = [
    ...[...program.entityTypes.values()].map((type) => {
      const attributes = sorted(
        [...type.attributes.values()].map((a) => `${a.name}${fieldText(a)}${a.link ? '^' : ''}`),
      )
      const relations = sorted(
        [...type.relations.values()].map((r) =>
          r.kind === 'computed'
            ? `${r.name}=${relationText(r.body)}`
            : `${r.name}${r.role ? '*' : ''}:${sorted(r.holders.map((h) => JSON.stringify([h.kind, h.type, h.relation, h.condition])))}`,
        ),
      )
      return `entity ${JSON.stringify([type.name, type.layer, attributes, relations, type.organizationPath ?? null])}`
    }),
    ...[...program.actions.values()].map((action) => {
      const args = sorted(Object.entries(action.arguments).map(([name, field]) => `${name}${fieldText(field)}`))
      const { name, resourceType, layer, subjects, via, scope, implies } = action
      return `action ${JSON.stringify([name, resourceType, layer, subjects, via, scope ?? null, sorted(implies), args])}`
    }),
    ...[...program.externs.values()].map((extern) => {
      const params = extern.params.map((param) => `${param.name}${fieldText(param.field)}`)
      const otherwise = extern.otherwise === undefined ? 'fail' : keyOfValue(extern.otherwise)
      return `extern ${JSON.stringify([extern.name, params, typeKey(extern.returns), extern.withinMilliseconds, otherwise])}`
    }),
    ...[...program.advice.values()].map((advice) => {
      const params = sorted(Object.entries(advice.params).map(([name, field]) => `${name}${fieldText(field)}`))
      return `advice ${JSON.stringify([advice.name, params])}`
    }),
    ...[...program.tupleConditions.values()].map((condition) => {
      const params = condition.params.map((param) => `${param.name}${fieldText(param.field)}`)
      return `condition ${JSON.stringify([condition.name, params])}${canonicalText(condition.body)}`
    }),
    ...program.delegates.map(
      (delegate) =>
        `delegate ${JSON.stringify([delegate.layer, delegate.actions])}${canonicalText(delegate.condition)}`,
    ),
  ]
  return [...new Set(parts)].sort()
}

export const sha256 = (bytes: string): string => hash('sha256', bytes, 'hex')

function ruleText(rule: Omit<Rule, 'id'>): string {
  const advise = sorted(
    rule.advise.map(({ name, args }) =>
      JSON.stringify([name, Object.entries(args).map(([key, value]) => [key, canonicalText(value)])]),
    ),
  )
  const { effect, layer, organization, sealed, builtIn, actions, fields, because, failsOpen } = rule
  const head = [
    effect,
    layer,
    organization ?? null,
    sealed,
    builtIn,
    actions,
    fields ?? null,
    because ?? null,
    failsOpen,
  ]
  return `${JSON.stringify(head)}${JSON.stringify(advise)}${canonicalText(rule.condition)}`
}

/** `bound`: names of enclosing locals, innermost last; a local is written as its distance. */
function text(expr: Expr, bound: readonly string[]): string {
  const inside = (child: Expr) => text(child, bound)
  switch (expr.kind) {
    case 'literal':
      return `${expr.type.kind}:${keyOfValue(expr.value)}`
    case 'variable':
      return expr.scope === 'request' ? expr.name : variableText(expr.name, bound)
    case 'let':
      return `(let ${inside(expr.value)} ${text(expr.body, [...bound, expr.name])})`
    // What is guarded hangs on the other operands, in their order: it is no part of what an operand says (SPEC 1.3).
    case 'attribute':
      return `${inside(expr.of)}.${expr.key ? `[${inside(expr.key)}]` : JSON.stringify(expr.name)}`
    case 'has':
      return `(has ${inside(expr.of)})`
    case 'coalesce':
      return `(?? ${inside(expr.left)} ${inside(expr.right)})`
    case 'not':
      return `(not ${inside(expr.operand)})`
    case 'and':
    case 'or':
      return connectiveText(expr.kind, expr.operands.map(inside))
    case 'if':
      return `(if ${inside(expr.test)} ${inside(expr.then)} ${inside(expr.otherwise)})`
    case 'compare': {
      const sides = [inside(expr.left), inside(expr.right)]
      return `(${expr.op} ${(expr.op === 'eq' ? sides.sort() : sides).join(' ')})`
    }
    case 'in':
      return `(in ${expr.mode} ${inside(expr.left)} ${inside(expr.right)})`
    case 'holds':
      return `(holds ${JSON.stringify(expr.relation)} ${inside(expr.subject)} ${inside(expr.of)})`
    case 'permitted':
      return `(permitted ${inside(expr.of)})`
    case 'isType':
      return `(is ${inside(expr.operand)} ${JSON.stringify(expr.types)})`
    case 'call':
    case 'extern':
      return `(${expr.kind} ${expr.name} ${expr.args.map(inside).join(' ')})`
    case 'quantifier':
      return `(${expr.quantifier} ${inside(expr.over)} ${text(expr.body, [...bound, expr.variable])})`
    case 'construct':
      if (expr.items) return `[${[...new Set(expr.items.map(inside))].sort().join(' ')}]`
      return `{${sorted((expr.fields ?? []).map((field) => `${JSON.stringify(field.name)}:${inside(field.value)}`))}}`
    case 'attempt':
      return `(attempt ${inside(expr.operand)} ${inside(expr.otherwise)})`
  }
}

/** `a or a` is `a`. */
function connectiveText(kind: 'and' | 'or', operands: readonly string[]): string {
  const unique = [...new Set(operands)].sort()
  return unique.length === 1 ? (unique[0] ?? '') : `(${kind} ${unique.join(' ')})`
}

function variableText(name: string, bound: readonly string[]): string {
  const at = bound.lastIndexOf(name)
  return at < 0 ? `%${name}` : `%${bound.length - at}`
}

const sorted = (texts: readonly string[]): string[] => [...texts].sort()

const fieldText = (field: FieldType): string =>
  `${field.optional ? '?' : ''}:${typeKey(field.type)}${field.marks ? JSON.stringify(sorted(Object.entries(field.marks).map(([mark, value]) => `${mark}=${value}`))) : ''}`

/** A text that two types share exactly when they are the same. */
export function typeKey(type: Type): string {
  switch (type.kind) {
    case 'enum':
      return `enum${type.ordered ? '<' : ''}${JSON.stringify(type.ordered ? type.values : sorted(type.values))}`
    case 'entity':
      return `entity${JSON.stringify(type.types)}`
    case 'set':
    case 'map':
      return `${type.kind}<${typeKey(type.of)}>`
    case 'record':
      return `{${sorted(Object.entries(type.fields).map(([name, field]) => `${JSON.stringify(name)}${fieldText(field)}`)).join()}}`
    default:
      return type.kind
  }
}

function relationText(body: RelationExpr): string {
  if (body.kind === 'step') return JSON.stringify([body.all, body.path, body.relation])
  if (body.kind === 'minus') return `(minus ${relationText(body.left)} ${relationText(body.right)})`
  const { kind } = body
  const operands = (node: RelationExpr): string[] =>
    node.kind !== 'step' && node.kind === kind
      ? [...operands(node.left), ...operands(node.right)]
      : [relationText(node)]
  return `(${body.kind} ${[...new Set(operands(body))].sort().join(' ')})`
}
