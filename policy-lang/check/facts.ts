import type * as ast from '../ast/nodes.ts'
import type { Value } from '../ir/nodes.ts'
import type { Holder, Tuple, TupleSubject } from '../ir/program.ts'
import type { EntityInfo, RelationInfo } from '../resolve/environment.ts'
import { type At, ungroup } from './at.ts'
import { functionBody } from './functions.ts'
import { visibleFn } from './names.ts'
import { testEntity, testValue } from './test-values.ts'

type FactStep = ast.TestStep & { readonly kind: 'relationFact' }

/** `fact s is r1, r2 of o until t if { … }`: one tuple for each relation, if the relation can hold it. */
export function checkRelationFact(step: FactStep, at: At): Tuple[] {
  const resource = testEntity(step.of, at)
  const subject = factSubject(step.subject, at)
  const until = step.until && testValue(step.until, { kind: 'time' }, at)
  if (!resource || !subject || (step.until && typeof until !== 'number')) return []
  const info = at.session.environment.entitiesByWire.get(resource.type)
  if (!info) return []
  const ends = typeof until === 'number' ? { until } : {}
  return step.relations.flatMap((name): Tuple[] => {
    const relation = storedRelation(name, info, at)
    const holder = relation && holderFor(relation, subject, step, name, at)
    if (!relation || !holder) return []
    const condition = conditionOf(holder, relation, step, at)
    if (condition === 'wrong') return []
    return [{ resource, relation: relation.wire, subject, ...ends, ...(condition ? { condition } : {}) }]
  })
}

function factSubject(subject: ast.FactSubject, at: At): TupleSubject | undefined {
  const { environment, reporter } = at.session
  if (subject.kind === 'anyone') return { kind: 'anyone' }
  if (subject.kind === 'anyOf') {
    const info = environment.entities.get(subject.type.text)
    if (info) return { kind: 'anyOf', type: info.wire }
    reporter.unknown('F2001', subject.type, `unknown type "${subject.type.text}"`, environment.entities.keys())
    return undefined
  }
  const value = ungroup(subject.value)
  if (value.kind !== 'member') {
    const entity = testEntity(value, at)
    return entity && { kind: 'one', entity }
  }
  const entity = testEntity(value.of, at)
  const info = entity && environment.entitiesByWire.get(entity.type)
  if (!entity || !info) return undefined
  const relation = info.relations.get(value.name.text)
  if (relation) return { kind: 'one', entity, relation: relation.wire }
  reporter.unknown('F2005', value.name, `unknown relation "${value.name.text}" on ${info.name}`, info.relations.keys())
  return undefined
}

function storedRelation(name: ast.Name, info: EntityInfo, at: At): RelationInfo | undefined {
  const { reporter } = at.session
  const relation = info.relations.get(name.text)
  if (!relation) {
    const stored = [...info.relations.values()].filter((known) => known.holders)
    reporter.unknown(
      'F2005',
      name,
      `unknown relation "${name.text}" on ${info.name}`,
      stored.map((known) => known.source),
    )
    return undefined
  }
  if (relation.node.kind === 'storedRelation') return relation
  reporter.report('F6001', name.span, `"${name.text}" of ${info.name} is computed, so no fact can fill it`)
  return undefined
}

/** The declared holder that this subject is; with `if`, a conditional one. */
function holderFor(
  relation: RelationInfo,
  subject: TupleSubject,
  step: FactStep,
  name: ast.Name,
  at: At,
): Holder | undefined {
  const fitting = (relation.holders ?? []).filter((holder) => isHolder(holder, subject))
  const wanted = fitting.filter((holder) => (holder.condition !== undefined) === (step.context !== undefined))
  // Without `if` a fact carries the only condition that there is; of several none is meant (SPEC 3.3).
  const found = wanted[0] ?? (step.context || fitting.length > 1 ? undefined : fitting[0])
  if (found) return found
  const who =
    subject.kind === 'one'
      ? `${subject.entity.type}${subject.relation ? `.${subject.relation}` : ''}`
      : subject.kind === 'anyOf'
        ? `any ${subject.type}`
        : 'anyone'
  const message =
    fitting.length > 0
      ? `"${name.text}" of ${relation.owner.name} takes ${step.context ? 'no condition' : 'several conditions'} for ${who}`
      : `${who} cannot hold "${name.text}" of ${relation.owner.name}`
  at.session.reporter.report('F6001', step.span, message)
  return undefined
}

function isHolder(holder: Holder, subject: TupleSubject): boolean {
  if (subject.kind === 'anyone') return holder.kind === 'anyone'
  if (subject.kind === 'anyOf') return holder.kind === 'anyOf' && holder.type === subject.type
  if (holder.type !== subject.entity.type) return false
  if (subject.relation === undefined) return holder.kind === 'one'
  // A bare `G` that declares a relation `member` takes `G.member` as well: it already means the members.
  return (
    (holder.kind === 'userset' && holder.relation === subject.relation) ||
    (holder.kind === 'one' && subject.relation === 'member')
  )
}

function conditionOf(holder: Holder, relation: RelationInfo, step: FactStep, at: At): Tuple['condition'] | 'wrong' {
  if (holder.condition === undefined) return undefined
  const info = visibleFn(holder.condition, relation.unit)
  const params = info && functionBody(info, step.span, at.session)
  if (!params) return 'wrong'
  const context = new Map<string, Value>()
  for (const { name, value } of step.context ?? []) {
    const param = params.find((known) => known.name === name.text)
    if (!param) {
      at.session.reporter.unknown(
        'F2003',
        name,
        `the condition "${holder.condition}" has no parameter "${name.text}"`,
        params.map((known) => known.name),
      )
      return 'wrong'
    }
    const found = testValue(value, param.field.type, at)
    if (found === undefined) return 'wrong'
    context.set(name.text, found)
  }
  return { name: holder.condition, context }
}
