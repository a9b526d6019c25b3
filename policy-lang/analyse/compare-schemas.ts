import { type ActionType, actionKey, type EntityType, type Holder, type Program } from '../ir/program.ts'
import type { FieldType } from '../ir/types.ts'
import { narrows } from './narrows.ts'

/**
 * One difference by which stored data, tuples or callers of the previous set would lose something (SPEC 6, schema change).
 * `at` names the place in wire names: `Document`, `Document.notes`, `read on Document`, `read on Document.to`.
 */
export type SchemaChange = {
  readonly kind: 'removed' | 'narrowed' | 'renamed'
  readonly of: 'entity' | 'attribute' | 'relation' | 'action' | 'argument'
  readonly at: string
  /** The new name of what was renamed. */
  readonly to?: string
  /** What became narrower, in words. */
  readonly detail?: string
}

/** What `next` takes away from `previous`, sorted by place. Empty: everything stored and asked before still fits. */
export function compareSchemas(previous: Program, next: Program): readonly SchemaChange[] {
  const changes: SchemaChange[] = []
  for (const before of previous.entityTypes.values()) {
    const after = next.entityTypes.get(before.name)
    if (after) changes.push(...attributeChanges(before, after), ...relationChanges(before, after))
    else changes.push({ kind: 'removed', of: 'entity', at: before.name })
  }
  for (const before of previous.actions.values()) {
    const at = `${before.name} on ${before.resourceType}`
    const after = next.actions.get(actionKey(before.name, before.resourceType))
    if (after) changes.push(...actionChanges(at, before, after))
    else changes.push({ kind: 'removed', of: 'action', at })
  }
  return changes.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}

function attributeChanges(before: EntityType, after: EntityType): readonly SchemaChange[] {
  const changes = fieldChanges('attribute', `${before.name}.`, before.attributes, after.attributes)
  const unlinked = [...before.attributes.values()].filter(
    ({ name, link }) => link && after.attributes.get(name)?.link === false,
  )
  return [
    ...changes,
    ...unlinked.map(({ name }) => narrowed('attribute', `${before.name}.${name}`, 'no longer a parent link')),
  ]
}

function relationChanges(before: EntityType, after: EntityType): readonly SchemaChange[] {
  return [...before.relations.values()].flatMap((relation): readonly SchemaChange[] => {
    const at = `${before.name}.${relation.name}`
    const now = after.relations.get(relation.name)
    if (!now) return [{ kind: 'removed', of: 'relation', at }]
    // Tuples fill stored relations only; a computed one is a rule.
    if (relation.kind === 'computed') return []
    if (now.kind === 'computed') return [narrowed('relation', at, 'is computed now: its tuples no longer count')]
    const kept = new Set(now.holders.map(holderText))
    return relation.holders
      .map(holderText)
      .filter((holder) => !kept.has(holder))
      .map((holder) => narrowed('relation', at, `no longer held by ${holder}`))
  })
}

function actionChanges(at: string, before: ActionType, after: ActionType): readonly SchemaChange[] {
  const lost = (old: readonly string[], now: readonly string[]) => old.filter((name) => !now.includes(name))
  const { subjects } = after
  const subjectsLost =
    subjects === 'anyone' ? [] : before.subjects === 'anyone' ? ['anyone'] : lost(before.subjects, subjects)
  const required = Object.entries(after.arguments).filter(
    ([name, field]) => !field.optional && !Object.hasOwn(before.arguments, name),
  )
  return [
    ...subjectsLost.map((type) => narrowed('action', at, `no longer by ${type}`)),
    ...lost(before.via, after.via).map((type) => narrowed('action', at, `no longer via ${type}`)),
    ...(after.scope !== undefined && after.scope !== before.scope
      ? [narrowed('action', at, `needs the scope "${after.scope}"`)]
      : []),
    ...required
      .filter(([, field]) => field.marks?.was === undefined)
      .map(([name]) => narrowed('argument', `${at}.${name}`, 'is a new required argument')),
    ...fieldChanges('argument', `${at}.`, mapOf(before.arguments), mapOf(after.arguments)),
  ]
}

type Fields = ReadonlyMap<string, FieldType>

/** A field that is gone was renamed if exactly one new field says so with `@was`. */
function fieldChanges(of: 'attribute' | 'argument', prefix: string, before: Fields, after: Fields) {
  return [...before].flatMap(([name, field]): readonly SchemaChange[] => {
    const at = `${prefix}${name}`
    const same = after.get(name)
    if (same) return narrowedField(of, at, field, same)
    const heirs = [...after].filter(([other, { marks }]) => marks?.was === name && !before.has(other))
    const [heir] = heirs
    if (!heir || heirs.length > 1) return [{ kind: 'removed', of, at }]
    return [{ kind: 'renamed', of, at, to: heir[0] }, ...narrowedField(of, at, field, heir[1])]
  })
}

function narrowedField(of: SchemaChange['of'], at: string, before: FieldType, after: FieldType) {
  const details = [
    ...(before.optional && !after.optional ? ['is required now'] : []),
    // A policy that did not guard it would not load, but readers outside rely on it too.
    ...narrows(before.type, after.type),
  ]
  return details.map((detail) => narrowed(of, at, detail))
}

const narrowed = (of: SchemaChange['of'], at: string, detail: string): SchemaChange => ({
  kind: 'narrowed',
  of,
  at,
  detail,
})

const mapOf = (fields: ActionType['arguments']): Fields => new Map(Object.entries(fields))

const holderText = ({ kind, type, relation, condition }: Holder): string =>
  `${kind === 'anyone' ? 'anyone' : kind === 'anyOf' ? `any ${type}` : kind === 'userset' ? `${type}.${relation}` : type}${
    condition === undefined ? '' : ` if ${condition}`
  }`
