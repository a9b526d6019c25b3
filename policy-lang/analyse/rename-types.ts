import type { ActionType, AttributeType, EntityType, Program, RelationType } from '../ir/program.ts'
import type { FieldType, Type } from '../ir/types.ts'

/** New wire names of entity types by their old ones: those that say `@was`, where the old type is gone (SPEC 6.11). */
export function typeRenames(previous: Program, next: Program): ReadonlyMap<string, string> {
  const renames = new Map<string, string>()
  const isTaken = new Set<string>()
  for (const { name, was } of next.entityTypes.values()) {
    if (was === undefined || !previous.entityTypes.has(was) || next.entityTypes.has(was)) continue
    // Two heirs of one name are no rename.
    if (renames.has(was)) isTaken.add(was)
    renames.set(was, name)
  }
  for (const was of isTaken) renames.delete(was)
  return renames
}

type Renames = ReadonlyMap<string, string>

export function renameEntity(before: EntityType, renames: Renames): EntityType {
  const attributes = [...before.attributes].map(([name, field]): [string, AttributeType] => [
    name,
    { ...field, type: renameType(field.type, renames) },
  ])
  const relations = [...before.relations].map(([name, relation]): [string, RelationType] => [
    name,
    relation.kind === 'computed'
      ? relation
      : { ...relation, holders: relation.holders.map((holder) => renameHolder(holder, renames)) },
  ])
  return { ...before, attributes: new Map(attributes), relations: new Map(relations) }
}

export function renameAction(before: ActionType, renames: Renames): ActionType {
  const named = (types: readonly string[]) => types.map((type) => renames.get(type) ?? type)
  return {
    ...before,
    resourceType: renames.get(before.resourceType) ?? before.resourceType,
    subjects: before.subjects === 'anyone' ? 'anyone' : named(before.subjects),
    via: named(before.via),
    arguments: renameFields(before.arguments, renames),
  }
}

export const renameFields = (fields: { readonly [name: string]: FieldType }, renames: Renames) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, { ...field, type: renameType(field.type, renames) }]),
  )

export function renameType(type: Type, renames: Renames): Type {
  if (renames.size === 0) return type
  switch (type.kind) {
    case 'entity':
      return { kind: 'entity', types: type.types.map((name) => renames.get(name) ?? name).sort() }
    case 'set':
    case 'map':
      return { kind: type.kind, of: renameType(type.of, renames) }
    case 'record':
      return { kind: 'record', fields: renameFields(type.fields, renames) }
    default:
      return type
  }
}

type Holder = (RelationType & { readonly kind: 'stored' })['holders'][number]
const renameHolder = (holder: Holder, renames: Renames): Holder =>
  holder.type === undefined ? holder : { ...holder, type: renames.get(holder.type) ?? holder.type }
