import type * as ast from '../ast/nodes.ts'
import type { FieldType } from '../ir/types.ts'
import type { EntityInfo } from '../resolve/environment.ts'
import { memberNames, namedMember } from '../resolve/named-member.ts'
import type { Reporter } from '../resolve/reporter.ts'

/**
 * `fields` of a rule as positive lists, one per resource type (SPEC 5): `all except` is spelled out here, so that a later
 * attribute never leaks. Paths lead into records; taking `address` takes `address.city`.
 */
export function fieldLists(
  clause: ast.FieldsClause,
  resources: readonly EntityInfo[],
  reporter: Reporter,
): { readonly [type: string]: readonly string[] } | undefined {
  const lists: [string, readonly string[]][] = []
  for (const info of resources) {
    const paths = clause.paths.map((path) => fieldPath(path, info, reporter))
    if (paths.includes(undefined)) return undefined
    const named = paths.filter((path) => path !== undefined)
    lists.push([info.wire, listOf(clause.mode, named, info)])
  }
  return Object.fromEntries(lists)
}

/** A dotted wire path of one type, or undefined after a report. */
export function fieldPath(path: readonly ast.Name[], info: EntityInfo, reporter: Reporter): string | undefined {
  const [head, ...rest] = path
  if (!head) return undefined
  const attribute = info.attributes.get(head.text)
  if (!attribute) {
    reporter.unknown('F4010', head, `${info.name} has no field "${head.text}"`, info.attributes.keys())
    return undefined
  }
  const wires = [attribute.name]
  let field: FieldType = attribute
  for (const name of rest) {
    const members: { readonly [name: string]: FieldType } = field.type.kind === 'record' ? field.type.fields : {}
    const next = namedMember(members, name.text)
    if (!next) {
      reporter.unknown('F4010', name, `"${wires.join('.')}" has no member "${name.text}"`, memberNames(members))
      return undefined
    }
    wires.push(next.wire)
    field = next.field
  }
  return wires.join('.')
}

function listOf(mode: ast.FieldsClause['mode'], paths: readonly string[], info: EntityInfo): readonly string[] {
  if (mode === 'only') return normalised(paths)
  const all = [...info.attributes.values()]
  return normalised(all.flatMap((attribute) => without(attribute.name, attribute.type, paths)))
}

/** What remains of a field: itself if nothing under it is taken away, else its members that remain. */
function without(path: string, type: FieldType['type'], taken: readonly string[]): string[] {
  if (taken.includes(path)) return []
  if (type.kind !== 'record' || !taken.some((other) => other.startsWith(`${path}.`))) return [path]
  return Object.entries(type.fields).flatMap(([name, field]) => without(`${path}.${name}`, field.type, taken))
}

/** Sorted, without paths that a shorter one covers. */
function normalised(paths: readonly string[]): readonly string[] {
  const all = new Set(paths)
  const isCovered = (path: string) => {
    for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1))
      if (all.has(path.slice(0, dot))) return true
    return false
  }
  return [...all].filter((path) => !isCovered(path)).sort()
}
