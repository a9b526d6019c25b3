import {
  type ActionType,
  actionKey,
  type EntityType,
  type ExternType,
  type Holder,
  type Program,
  type TupleCondition,
} from '../ir/program.ts'
import type { FieldType } from '../ir/types.ts'
import { createLocate } from '../source/places.ts'
import type { Span } from '../source/span.ts'
import { narrows } from './narrows.ts'
import { renameAction, renameEntity, renameType, typeRenames } from './rename-types.ts'

/**
 * One difference by which stored data, tuples or callers of the previous set would lose something (SPEC 6.11).
 * `at` names the place in the previous set's wire names: `Document`, `Document.notes`, `read on Document`,
 * `read on Document.to`, `riskScore`.
 */
export type SchemaChange = {
  readonly kind: 'removed' | 'narrowed' | 'renamed'
  readonly of: 'entity' | 'attribute' | 'relation' | 'action' | 'argument' | 'extern' | 'condition'
  readonly at: string
  /** The new name of what was renamed. */
  readonly to?: string
  /** What became narrower, in words. */
  readonly detail?: string
  /** In the files of `next`: what changed, or what it was removed from. */
  readonly span?: Span
}

/** What `next` takes away from `previous`, sorted by place. Empty: everything stored and asked before still fits. */
export function compareSchemas(previous: Program, next: Program): readonly SchemaChange[] {
  const renames = typeRenames(previous, next)
  const changes: SchemaChange[] = []
  for (const old of previous.entityTypes.values()) {
    const to = renames.get(old.name)
    const after = next.entityTypes.get(to ?? old.name)
    const before = renameEntity(old, renames)
    if (!after) changes.push({ kind: 'removed', of: 'entity', at: old.name })
    else {
      if (to !== undefined) changes.push({ kind: 'renamed', of: 'entity', at: old.name, to, ...spanOf(after) })
      changes.push(...attributeChanges(before, after), ...relationChanges(before, after))
    }
  }
  for (const old of previous.actions.values()) changes.push(...actionChanges(old, renameAction(old, renames), next))
  for (const [name, before] of previous.externs) changes.push(...externChanges(before, next.externs.get(name), renames))
  for (const [name, before] of previous.tupleConditions) {
    changes.push(...conditionChanges(before, next.tupleConditions.get(name), renames))
  }
  const locate = createLocate(next.places)
  return changes
    .map((change) => (change.span ? { ...change, span: locate(change.span) } : change))
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}

type Renames = ReadonlyMap<string, string>
type Placed = { readonly span?: Span }
const spanOf = (placed: Placed | undefined): Placed => (placed?.span ? { span: placed.span } : {})

function attributeChanges(before: EntityType, after: EntityType): readonly SchemaChange[] {
  const at = `${before.name}.`
  const changes = fieldChanges({ of: 'attribute', at, ...spanOf(after) }, before.attributes, after.attributes)
  const unlinked = [...before.attributes.values()].flatMap(({ name, link }) => {
    const now = after.attributes.get(name)
    return link && now?.link === false ? [{ name, now }] : []
  })
  const required = [...after.attributes.values()].filter(
    ({ name, optional, marks }) =>
      !optional && !before.attributes.has(name) && !(marks?.was !== undefined && before.attributes.has(marks.was)),
  )
  return [
    ...changes,
    ...unlinked.map(({ name, now }) =>
      narrowed({ of: 'attribute', at: `${at}${name}`, ...spanOf(now) }, 'no longer a parent link'),
    ),
    // Rows that are stored have none, so what reads it fails (SPEC 5.5).
    ...required.map((field) =>
      narrowed({ of: 'attribute', at: `${at}${field.name}`, ...spanOf(field) }, 'is a new required attribute'),
    ),
  ]
}

function relationChanges(before: EntityType, after: EntityType): readonly SchemaChange[] {
  return [...before.relations.values()].flatMap((relation): readonly SchemaChange[] => {
    const of = { of: 'relation', at: `${before.name}.${relation.name}` } as const
    const heirs = [...after.relations.values()].filter(
      ({ name, was }) => was === relation.name && !before.relations.has(name),
    )
    const heir = heirs.length === 1 ? heirs[0] : undefined
    const now = after.relations.get(relation.name) ?? heir
    if (!now) return [{ kind: 'removed', ...of, ...spanOf(after) }]
    const renamed: readonly SchemaChange[] =
      now === heir ? [{ kind: 'renamed', ...of, to: now.name, ...spanOf(now) }] : []
    // Tuples fill stored relations only; a computed one is a rule.
    if (relation.kind === 'computed') return renamed
    const placed = { ...of, ...spanOf(now) }
    if (now.kind === 'computed') return [...renamed, narrowed(placed, 'is computed now: its tuples no longer count')]
    const kept = new Set(now.holders.map(holderText))
    const lost = relation.holders.map(holderText).filter((holder) => !kept.has(holder))
    return [...renamed, ...lost.map((holder) => narrowed(placed, `no longer held by ${holder}`))]
  })
}

function actionChanges(old: ActionType, before: ActionType, next: Program): readonly SchemaChange[] {
  const at = `${old.name} on ${old.resourceType}`
  const heirs = [...next.actions.values()].filter(
    ({ was, resourceType }) => was === old.name && resourceType === before.resourceType,
  )
  const same = next.actions.get(actionKey(before.name, before.resourceType))
  const after = same ?? (heirs.length === 1 ? heirs[0] : undefined)
  if (!after) {
    return [{ kind: 'removed', of: 'action', at, ...spanOf(next.entityTypes.get(before.resourceType)) }]
  }
  const placed = { of: 'action', at, ...spanOf(after) } as const
  const to = after.resourceType === old.resourceType ? after.name : `${after.name} on ${after.resourceType}`
  const isRenamed = after.name !== old.name || after.resourceType !== old.resourceType
  const lost = (was: readonly string[], now: readonly string[]) => was.filter((name) => !now.includes(name))
  const { subjects } = after
  const subjectsLost =
    subjects === 'anyone' ? [] : before.subjects === 'anyone' ? ['anyone'] : lost(before.subjects, subjects)
  const details = [
    ...subjectsLost.map((type) => `no longer by ${type}`),
    ...lost(before.via, after.via).map((type) => `no longer via ${type}`),
    ...(after.scope !== undefined && after.scope !== before.scope ? [`needs the scope "${after.scope}"`] : []),
  ]
  return [
    ...(isRenamed ? [{ kind: 'renamed' as const, ...placed, to }] : []),
    ...details.map((detail) => narrowed(placed, detail)),
    ...argumentChanges({ ...placed, of: 'argument' }, before, after),
  ]
}

function argumentChanges(placed: Change, before: ActionType, after: ActionType): readonly SchemaChange[] {
  const required = Object.entries(after.arguments).filter(
    ([name, field]) => !field.optional && field.marks?.was === undefined && !Object.hasOwn(before.arguments, name),
  )
  const at = `${placed.at}.`
  return [
    ...required.map(([name]) => narrowed({ ...placed, at: `${at}${name}` }, 'is a new required argument')),
    ...fieldChanges({ ...placed, at }, mapOf(before.arguments), mapOf(after.arguments)),
  ]
}

/** Callers fetch values by name and arguments, so those must go on fitting. */
function externChanges(before: ExternType, after: ExternType | undefined, renames: Renames): readonly SchemaChange[] {
  const of = { of: 'extern', at: before.name } as const
  if (!after) return [{ kind: 'removed', ...of }]
  const placed = { ...of, ...spanOf(after) }
  const isCalledElse =
    before.params.length !== after.params.length ||
    before.params.some(({ field }, index) => {
      const now = after.params[index]?.field
      // What is handed over may become narrower, not other.
      return !now || narrows(now.type, renameType(field.type, renames)).length > 0 || (now.optional && !field.optional)
    })
  return [
    ...(isCalledElse ? [narrowed(placed, 'is called with other arguments')] : []),
    ...narrows(renameType(before.returns, renames), after.returns).map((detail) =>
      narrowed(placed, `returns: ${detail}`),
    ),
  ]
}

/** Stored tuples name their condition and carry its parameters. */
function conditionChanges(
  before: TupleCondition,
  after: TupleCondition | undefined,
  renames: Renames,
): readonly SchemaChange[] {
  if (!after) return [{ kind: 'removed', of: 'condition', at: before.name }]
  const old = new Map(before.params.map(({ name, field }) => [name, field]))
  return after.params.flatMap(({ name, field }): readonly SchemaChange[] => {
    const was = old.get(name)
    const placed = { of: 'condition', at: `${before.name}.${name}` } as const
    if (!was) return field.optional ? [] : [narrowed(placed, 'is a new required parameter')]
    return narrowedField(placed, { ...was, type: renameType(was.type, renames) }, field)
  })
}

type Fields = ReadonlyMap<string, FieldType & Placed>
type Change = Pick<SchemaChange, 'of' | 'at'> & Placed

/** A field that is gone was renamed if exactly one new field says so with `@was`. `at` of `within` is what names begin with. */
function fieldChanges(within: Change, before: Fields, after: Fields): readonly SchemaChange[] {
  return [...before].flatMap(([name, field]): readonly SchemaChange[] => {
    const at = `${within.at}${name}`
    const same = after.get(name)
    if (same) return narrowedField({ ...within, at, ...spanOf(same) }, field, same)
    const heirs = [...after].filter(([other, { marks }]) => marks?.was === name && !before.has(other))
    const [heir] = heirs
    if (!heir || heirs.length > 1) return [{ kind: 'removed', ...within, at }]
    const placed = { ...within, at, ...spanOf(heir[1]) }
    return [{ kind: 'renamed', ...placed, to: heir[0] }, ...narrowedField(placed, field, heir[1])]
  })
}

function narrowedField(placed: Change, before: FieldType, after: FieldType): readonly SchemaChange[] {
  const details = [
    ...(before.optional && !after.optional ? ['is required now'] : []),
    // A policy that did not guard it would not load, but readers outside rely on it too.
    ...narrows(before.type, after.type),
  ]
  return details.map((detail) => narrowed(placed, detail))
}

const narrowed = (placed: Change, detail: string): SchemaChange => ({ kind: 'narrowed', ...placed, detail })

const mapOf = (fields: ActionType['arguments']): Fields => new Map(Object.entries(fields))

const holderText = ({ kind, type, relation, condition }: Holder): string =>
  `${kind === 'anyone' ? 'anyone' : kind === 'anyOf' ? `any ${type}` : kind === 'userset' ? `${type}.${relation}` : type}${
    condition === undefined ? '' : ` if ${condition}`
  }`
