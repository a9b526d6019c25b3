import type * as ast from '../ast/nodes.ts'
import * as primitive from '../builtins/primitive-types.ts'
import type { Expr } from '../ir/nodes.ts'
import { mayBeAbsent } from '../ir/walk.ts'
import type { EntityInfo } from '../resolve/environment.ts'
import { holdableOf, subjectTypesOf } from '../resolve/relations.ts'
import type { Span } from '../source/span.ts'
import type { At } from './at.ts'
import { infosOf } from './members.ts'
import { typeText } from './type-text.ts'

/** Wire names of the types whose entities may hold `relation` (wire name) of the entities of a `holds` node. */
export function holdersOf(expr: Expr & { kind: 'holds' }, at: At): readonly string[] {
  if (expr.of.type.kind !== 'entity') return []
  const infos = infosOf(expr.of.type.types, at)
  const types = new Set<string>()
  for (const info of infos) for (const type of holderTypes(info, sourceName(info, expr.relation), at)) types.add(type)
  return [...types]
}

export function holderTypes(info: EntityInfo, relation: string, _at: At): readonly string[] {
  const found = holdableOf(info, relation)
  if (found?.types) return found.types
  return found?.relation ? subjectTypesOf(found.relation) : []
}

/**
 * `subject` holds `relation` of `of`. An absent `of` is false by itself; an absent subject is, because `in` is false for
 * absent operands (SPEC 4).
 */
export function relationTest(subject: Expr, relation: ast.Name, of: Expr, span: Span, at: At): Expr | undefined {
  const { reporter } = at.session
  if (of.type.kind !== 'entity' || subject.type.kind !== 'entity') {
    const wrong = of.type.kind === 'entity' ? subject : of
    reporter.report('F3001', wrong.span, `an entity is wanted here, and this is ${typeText(wrong.type)}`)
    return undefined
  }
  const infos = infosOf(of.type.types, at)
  const owners = infos.filter((info) => holdableOf(info, relation.text))
  const first = owners[0]
  const wire = first && holdableOf(first, relation.text)?.wire
  if (!first || wire === undefined || owners.length < infos.length) {
    const lacking = infos.find((info) => !holdableOf(info, relation.text))
    const known = infos.flatMap((info) => [...info.relations.keys(), ...info.attributes.keys()])
    reporter.unknown(
      'F2005',
      relation,
      `unknown relation "${relation.text}" on ${lacking?.name ?? typeText(of.type)}`,
      known,
    )
    return undefined
  }
  const possible = new Set(owners.flatMap((info) => holderTypes(info, relation.text, at)))
  if (!subject.type.types.some((type) => possible.has(type))) {
    reporter.report('F3006', span, `${typeText(subject.type)} can never hold "${relation.text}" of ${first.name}`)
    return undefined
  }
  const test = (who: Expr): Expr => ({ kind: 'holds', subject: who, relation: wire, of, type: primitive.bool, span })
  if (!mayBeAbsent(subject)) return test(subject)
  if (subject.kind !== 'attribute' && subject.kind !== 'variable') {
    reporter.report('F3003', subject.span, 'this value is optional and used unguarded')
    return undefined
  }
  const guard: Expr = { kind: 'has', of: subject, type: primitive.bool, span: subject.span }
  const there: Expr =
    subject.kind === 'attribute' ? { ...subject, optional: false, safe: false } : { ...subject, optional: false }
  return { kind: 'and', operands: [guard, test(there)], type: primitive.bool, span }
}

const sourceName = (info: EntityInfo, wire: string): string => {
  if (holdableOf(info, wire)?.wire === wire) return wire
  for (const relation of info.relations.values()) if (relation.wire === wire) return relation.source
  for (const attribute of info.attributes.values()) if (attribute.name === wire) return attribute.source
  return wire
}
