import type { EntityValue, Tuple } from '../../policy-lang/index.ts'
import { tupleKey } from '../relations/tuple-row.ts'

/** A row of the table `role`. `inherits`: names of roles of the same scope type. */
export type Role = {
  readonly scopeType: string
  readonly name: string
  readonly description: string
  readonly inherits: readonly string[]
  readonly permissions: readonly RolePermission[]
}
/** What holders of the role may do at its scope, for rules that say `permitted of` (SPEC 3). */
export type RolePermission = { readonly action: string; readonly resourceType: string }

export type ClosureInput = {
  readonly roles: readonly Pick<Role, 'scopeType' | 'name' | 'inherits'>[]
  /** Role assignments: tuples whose relation is a role. All of a tenant, or only those of some subjects. */
  readonly assignments: readonly Tuple[]
  readonly organizations: readonly { readonly id: string; readonly parentId?: string | undefined }[]
}

/**
 * Every role that a subject has by assignment, by inheritance of roles, or by an ancestor organization (SPEC 3, role), as
 * tuples: the assignments themselves included, one tuple per (resource, role, subject), ending with the last of its reasons.
 * What one subject has depends on no other subject's assignments, so a change may be followed subject by subject.
 */
export function roleClosure(input: ClosureInput): Tuple[] {
  const inherited = inheritance(input.roles)
  const below = descendants(input.organizations)
  const closed = new Map<string, Tuple>()
  for (const assignment of input.assignments) {
    for (const resource of scopesOf(assignment.resource, below)) {
      for (const relation of inherited(assignment.resource.type, assignment.relation)) {
        const derived = { ...assignment, resource, relation }
        const key = tupleKey(derived)
        closed.set(key, lasting(closed.get(key), derived))
      }
    }
  }
  return [...closed.values()]
}

/** The role itself and every role that it inherits, however far. Unknown roles inherit nothing. */
export function inheritance(roles: ClosureInput['roles']): (scopeType: string, role: string) => ReadonlySet<string> {
  const direct = new Map(roles.map((role) => [nameOf(role.scopeType, role.name), role.inherits]))
  const known = new Map<string, ReadonlySet<string>>()
  return (scopeType, role) => {
    const key = nameOf(scopeType, role)
    const found = known.get(key)
    if (found) return found
    const all = reach(role, (name) => direct.get(nameOf(scopeType, name)) ?? [])
    known.set(key, all)
    return all
  }
}

/** A role that would inherit itself, as the way around (`editor → reviewer → editor`); undefined if there is none. */
export function findRoleCycle(
  roles: ClosureInput['roles'],
  changed: Pick<Role, 'scopeType' | 'name' | 'inherits'>,
): string[] | undefined {
  const direct = new Map(
    roles.filter((role) => role.scopeType === changed.scopeType).map((role) => [role.name, role.inherits]),
  )
  direct.set(changed.name, changed.inherits)
  const open = changed.inherits.map((name) => [changed.name, name])
  const seen = new Set<string>()
  for (let path = open.shift(); path; path = open.shift()) {
    const last = path.at(-1) ?? ''
    if (last === changed.name) return path
    if (seen.has(last)) continue
    seen.add(last)
    open.push(...(direct.get(last) ?? []).map((name) => [...path, name]))
  }
  return undefined
}

const nameOf = (scopeType: string, role: string): string => JSON.stringify([scopeType, role])

const scopesOf = (at: EntityValue, below: (id: string) => ReadonlySet<string>): readonly EntityValue[] =>
  at.type === 'Organization' ? [...below(at.id)].map((id) => ({ ...at, id })) : [at]

/** The organization itself and all of its sub-organizations. */
function descendants(organizations: ClosureInput['organizations']): (id: string) => ReadonlySet<string> {
  const children = new Map<string, string[]>()
  for (const { id, parentId } of organizations) {
    if (parentId === undefined) continue
    const siblings = children.get(parentId)
    if (siblings) siblings.push(id)
    else children.set(parentId, [id])
  }
  const known = new Map<string, ReadonlySet<string>>()
  return (id) => {
    const found = known.get(id) ?? reach(id, (parent) => children.get(parent) ?? [])
    known.set(id, found)
    return found
  }
}

/** Everything reachable, the start included; cycles in data end (SPEC 1, total). */
function reach(start: string, next: (from: string) => readonly string[]): ReadonlySet<string> {
  const all = new Set([start])
  // A set yields what is added while it is walked.
  for (const from of all) for (const to of next(from)) all.add(to)
  return all
}

/** Of two reasons for the same tuple the one that ends later; without an end beats both. */
function lasting(one: Tuple | undefined, other: Tuple): Tuple {
  if (!one || one.until === undefined) return one ?? other
  return other.until === undefined || other.until > one.until ? other : one
}
