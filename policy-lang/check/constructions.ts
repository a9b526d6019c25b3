import type * as ast from '../ast/nodes.ts'
import { distinctValues } from '../builtins/equal-values.ts'
import * as primitive from '../builtins/primitive-types.ts'
import type { Expr, Value } from '../ir/nodes.ts'
import type { FieldType, Type } from '../ir/types.ts'
import { memberNames, namedMember } from '../resolve/named-member.ts'
import { type At, freshIn } from './at.ts'
import { fits, joined, nothing } from './fits.ts'
import { literal } from './literals.ts'
import { isFreeName } from './names.ts'
import { typeText } from './type-text.ts'
import { checkBool, checkPresent, hasType } from './values.ts'

/** `[a, b]`: one literal where every member is one. */
export function checkSet(node: ast.Expr & { kind: 'set' }, at: At, expected?: Type): Expr | undefined {
  const wanted = expected?.kind === 'set' ? expected.of : undefined
  const items = node.items.map((item) => checkPresent(item, at, wanted))
  const present = items.filter((item) => item !== undefined)
  if (present.length < items.length) return undefined
  let of: Type = present.length === 0 ? (wanted ?? nothing) : (present[0]?.type ?? nothing)
  for (const item of present) {
    const both = joined(of, item.type)
    if (!both) {
      at.session.reporter.report(
        'F3001',
        item.span,
        `members of a set have one type: ${typeText(of)}, and this is ${typeText(item.type)}`,
      )
      return undefined
    }
    of = both
  }
  if (wanted && fits(of, wanted)) of = wanted
  const type: Type = { kind: 'set', of }
  const values = present.flatMap((item): Value[] => (item.kind === 'literal' ? [item.value] : []))
  if (values.length === present.length) return literal({ kind: 'set', items: distinctValues(values) }, type, node.span)
  return { kind: 'construct', items: present, type, span: node.span }
}

/** `{ a: 1 }`: a record, or a map where one is wanted. */
export function checkRecord(node: ast.Expr & { kind: 'record' }, at: At, expected?: Type): Expr | undefined {
  const { reporter } = at.session
  const fields: { name: string; value: Expr }[] = []
  const types = new Map<string, FieldType>()
  let whole = true
  for (const { name, value } of node.fields) {
    const found = memberWanted(expected, name, at)
    const wanted = found === 'unknown' ? 'unknown' : found?.type
    const wire = (found !== 'unknown' && found?.wire) || name.text
    const expr = wanted === 'unknown' ? undefined : checkPresent(value, at, wanted)
    if (types.has(wire)) reporter.report('F2010', name.span, `"${name.text}" stands twice`)
    if (!expr || types.has(wire) || (wanted && wanted !== 'unknown' && !hasType(expr, wanted, value.span, at))) {
      whole = false
      continue
    }
    const spelled = wire === name.text ? {} : { spelled: name.text }
    types.set(wire, { type: expr.type, optional: false, ...spelled })
    fields.push({ name: wire, value: expr })
  }
  if (!whole) return undefined
  const type: Type = expected?.kind === 'map' ? expected : { kind: 'record', fields: Object.fromEntries(types) }
  // In tests a member may be left out: what reads it then fails, as with a missing row (SPEC 9).
  const partial = at.place === 'test' && expected?.kind === 'record'
  return { kind: 'construct', fields, type: partial ? expected : type, span: node.span }
}

type Wanted = { readonly type: Type; readonly wire: string }

function memberWanted(expected: Type | undefined, name: ast.Name, at: At): Wanted | 'unknown' | undefined {
  if (expected?.kind === 'map') return { type: expected.of, wire: name.text }
  if (expected?.kind !== 'record') return undefined
  const found = namedMember(expected.fields, name.text)
  if (found) return { type: found.field.type, wire: found.wire }
  at.session.reporter.unknown(
    'F2003',
    name,
    `unknown member "${name.text}" of ${typeText(expected)}`,
    memberNames(expected.fields),
  )
  return 'unknown'
}

export function checkEntityLiteral(node: ast.Expr & { kind: 'entityLiteral' }, at: At): Expr | undefined {
  const { environment, reporter } = at.session
  const info = environment.entities.get(node.type.text)
  if (!info) {
    reporter.unknown('F2001', node.type, `unknown type "${node.type.text}"`, environment.entities.keys())
    return undefined
  }
  return literal(
    { kind: 'entity', type: info.wire, id: node.id.value },
    { kind: 'entity', types: [info.wire] },
    node.span,
  )
}

/** `any(d in set: condition)`, `all`, `count`. A relation cannot be run over: its holders may be everyone (SPEC 4). */
export function checkQuantifier(node: ast.Expr & { kind: 'quantifier' }, at: At): Expr | undefined {
  const over = checkPresent(node.over, at)
  const free = isFreeName(node.variable, at)
  if (!over || !free) return undefined
  if (over.type.kind !== 'set') {
    at.session.reporter.report(
      'F3005',
      node.over.span,
      `\`${node.quantifier}\` runs over a set, and this is ${typeText(over.type)}`,
    )
    return undefined
  }
  const name = freshIn(at.tally)(node.variable.text)
  const variable: Expr = { kind: 'variable', name, scope: 'local', type: over.type.of, span: node.variable.span }
  const body = checkBool(node.body, { ...at, locals: new Map(at.locals).set(node.variable.text, variable) })
  if (!body) return undefined
  const type = node.quantifier === 'count' ? primitive.int : primitive.bool
  return { kind: 'quantifier', quantifier: node.quantifier, variable: name, over, body, type, span: node.span }
}
