import type { Reference, Workload } from './workloads.ts'

/** What a person would write by hand for one workload: text ids in, a boolean out. */
export type Floor = (subject: Reference, action: string, resource: Reference) => boolean

type Entry = {
  readonly at: number
  readonly attrs: { readonly [name: string]: unknown }
  readonly up: Set<number>
  readonly numbers: { [name: string]: number }
  readonly lists: { [name: string]: readonly number[] }
}
type Test = (subject: Entry, resource: Entry) => boolean

/** Undefined for a workload that nobody has written a floor for. */
export function createFloor(workload: Workload): Floor | undefined {
  const types = close(workload)
  const tests = testsOf(workload, types)
  if (!tests) return undefined
  const find = ({ type, id }: Reference): Entry => types.get(type)?.get(id) as Entry // the workload lists every entity it asks about
  return (subject, action, resource) => (tests.get(action) as Test)(find(subject), find(resource))
}

const key = ({ type, id }: Reference): string => `${type}::${id}`
const isReference = (value: unknown): value is Reference =>
  typeof value === 'object' && value !== null && 'type' in value && 'id' in value

/** Every entity numbered, with the numbers of itself and all above it. */
function close(workload: Workload): Map<string, Map<string, Entry>> {
  const numbers = new Map<string, number>()
  const number = (reference: Reference): number => {
    const known = numbers.get(key(reference))
    if (known !== undefined) return known
    numbers.set(key(reference), numbers.size)
    return numbers.size - 1
  }
  const byKey = new Map(workload.entities.map((entity) => [key(entity), entity]))
  const above = (reference: Reference, found: Set<number>): Set<number> => {
    if (found.has(number(reference))) return found
    found.add(number(reference))
    for (const parent of byKey.get(key(reference))?.parents ?? []) above(parent, found)
    return found
  }
  const types = new Map<string, Map<string, Entry>>()
  for (const entity of workload.entities) {
    const entry: Entry = {
      at: number(entity),
      attrs: entity.attrs,
      up: above(entity, new Set()),
      numbers: {},
      lists: {},
    }
    for (const [name, value] of Object.entries(entity.attrs)) {
      if (isReference(value)) entry.numbers[name] = number(value)
      if (Array.isArray(value) && value.every(isReference)) entry.lists[name] = value.map(number)
    }
    types.set(entity.type, (types.get(entity.type) ?? new Map<string, Entry>()).set(entity.id, entry))
  }
  return types
}

function testsOf(workload: Workload, types: Map<string, Map<string, Entry>>): Map<string, Test> | undefined {
  if (workload.name.startsWith('github')) return github(types)
  if (workload.name.startsWith('gdrive')) return gdrive()
  return workload.name.startsWith('grants') ? grants(workload, types) : undefined
}

function github(types: Map<string, Map<string, Entry>>): Map<string, Test> {
  const levels = ['readers', 'triagers', 'writers', 'maintainers', 'admins']
  const roles = new Map<Entry, { readonly own: readonly number[]; readonly organization: readonly number[] }>()
  for (const repository of types.get('Repository')?.values() ?? []) {
    const owner = repository.attrs.owner
    const organization = isReference(owner) ? types.get('Organization')?.get(owner.id)?.numbers : undefined
    const at = (name: string): number => organization?.[name] ?? -1
    const own = levels.map((level) => repository.numbers[level] ?? -1)
    roles.set(repository, {
      own,
      organization: [at('readers'), at('writers'), at('writers'), at('admins'), at('admins')],
    })
  }
  const test =
    (level: number): Test =>
    (subject, resource) => {
      const { own, organization } = roles.get(resource) ?? { own: [], organization: [] }
      for (let index = level; index < 5; index += 1) {
        if (subject.up.has(own[index] ?? -1) || subject.up.has(organization[index] ?? -1)) return true
      }
      return false
    }
  return new Map(['read', 'triage', 'write', 'maintain', 'admin'].map((action, level) => [action, test(level)]))
}

function gdrive(): Map<string, Test> {
  const meets = (up: ReadonlySet<number>, list: readonly number[]): boolean => {
    for (let index = 0; index < list.length; index += 1) if (up.has(list[index] ?? -1)) return true
    return false
  }
  const owns: Test = (subject, resource) =>
    meets(resource.up, subject.lists.ownedDocuments ?? []) || meets(resource.up, subject.lists.ownedFolders ?? [])
  const looks: Test = (subject, resource) =>
    resource.attrs.isPublic === true ||
    resource.up.has(subject.numbers.documentsAndFoldersWithViewAccess ?? -1) ||
    owns(subject, resource)
  return new Map<string, Test>([
    ['read', looks],
    ['write', owns],
    ['share', owns],
    ['changeOwner', (subject, resource) => subject.lists.ownedDocuments?.includes(resource.at) ?? false],
    ['createDocument', (subject, resource) => subject.lists.ownedFolders?.includes(resource.at) ?? false],
  ])
}

/** One table for the grants; no other rule of the workload matches a request, so the hand-written function has none. */
function grants(workload: Workload, types: Map<string, Map<string, Entry>>): Map<string, Test> {
  const granted = new Map<number, Set<number>>()
  for (const [user, document] of workload.links ?? []) {
    const [subject, resource] = [types.get('User')?.get(user), types.get('Document')?.get(document)]
    if (!subject || !resource) continue
    granted.set(subject.at, (granted.get(subject.at) ?? new Set<number>()).add(resource.at))
  }
  return new Map<string, Test>([['read', (subject, resource) => granted.get(subject.at)?.has(resource.at) ?? false]])
}
