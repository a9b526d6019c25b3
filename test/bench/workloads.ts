import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  compileProgram,
  createEntityStore,
  type EntityData,
  type EntityStore,
  type Json,
  type Program,
  parseStrictJson,
  readData,
  type Value,
} from '../../policy-lang/index.ts'

/** Engine-neutral workloads, as the files beside the project hold them. */
export type Reference = { readonly type: string; readonly id: string }
export type Workload = {
  readonly name: string
  readonly n: number
  readonly hierarchy: number
  readonly entities: readonly (Reference & {
    readonly attrs: { readonly [name: string]: Json }
    readonly parents: readonly Reference[]
  })[]
  readonly requests: readonly {
    readonly subject: Reference
    readonly action: string
    readonly resource: Reference
    readonly expected: 'allow' | 'deny'
  }[]
  /** Of `grants`. */
  readonly links?: readonly (readonly [string, string])[]
  readonly rules?: readonly {
    readonly id: string
    readonly effect: string
    readonly actions: readonly string[]
    readonly when: readonly Condition[]
  }[]
}
type Condition = readonly [path: string, operator: string, value: string | number | Reference]

const folder = fileURLToPath(new URL('../../../shared/bench/data/', import.meta.url))
const policies = fileURLToPath(new URL('policies/', import.meta.url))

/** Undefined where the workloads do not stand beside the project. */
export function readWorkload(file: string): Workload | undefined {
  const path = `${folder}${file}.json`
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Workload) : undefined // the form of its README
}

export const workloadFiles = (): readonly string[] =>
  existsSync(folder) ? readdirSync(folder).map((name) => name.replace(/\.json$/, '')) : []

export type Prepared = { readonly program: Program; readonly store: EntityStore; readonly workload: Workload }

/** Our policy for the workload, its entities loaded. */
export function prepare(workload: Workload): Prepared {
  const family = workload.name.split('-')[0] ?? ''
  const text = family === 'grants' ? grantsPolicy(workload) : readFileSync(`${policies}${family}.fbac`, 'utf8')
  const { program, diagnostics } = compileProgram([{ path: `${family}.fbac`, text }])
  if (!program) throw new Error(JSON.stringify(diagnostics.filter(({ severity }) => severity === 'error')))
  const entities = workload.entities.map((entity) => ({
    uid: rename(entity),
    attrs: renameIn(entity.attrs),
    parents: entity.parents.map(rename),
  }))
  const tuples = (workload.links ?? []).map(([user, document]) => ({
    subject: { type: 'Person', id: user },
    relation: 'reader',
    resource: { type: 'Document', id: document },
  }))
  const json = parseStrictJson(JSON.stringify({ entities, tuples }))
  const data = json.ok ? readData(program, json.value) : undefined
  if (!data || data.problems.length > 0) throw new Error(JSON.stringify(data?.problems.slice(0, 3)))
  const store = createEntityStore(program)
  const problems = [
    ...data.entities.flatMap((entity) => store.putEntity(withEmptyLinks(program, entity))),
    ...data.tuples.flatMap((tuple) => store.putTuple(tuple)),
  ]
  if (problems.length > 0) throw new Error(JSON.stringify(problems[0]))
  return { program, store, workload }
}

/** The workloads list parents in full: a set of links without any is empty, not missing (SPEC 5.5). */
function withEmptyLinks(program: Program, entity: EntityData): EntityData {
  const declared = [...(program.entityTypes.get(entity.uid.type)?.attributes.values() ?? [])]
  const links = declared.filter(({ link, type }) => link && type.kind === 'set')
  const empty = links.map(({ name }): [string, Value] => [name, { kind: 'set', items: [] }])
  return { ...entity, attributes: new Map([...empty, ...entity.attributes]) }
}

/** `writ:identity` owns the names User, Group and Organization. */
const names: { readonly [type: string]: string } = { User: 'Person', Organization: 'Company', Group: 'Circle' }
export const rename = ({ type, id }: Reference): Reference => ({ type: names[type] ?? type, id })

function renameIn(json: Json): Json {
  if (Array.isArray(json)) return json.map(renameIn)
  if (typeof json !== 'object' || json === null) return json
  const members = Object.entries(json)
  const [type, id] = ['type', 'id'].map((name) =>
    members.length === 2 ? members.find(([key]) => key === name)?.[1] : undefined,
  )
  if (typeof type === 'string' && typeof id === 'string') return rename({ type, id })
  return Object.fromEntries(members.map(([name, member]) => [name, renameIn(member)]))
}

/** K grants are data; the other rules are rules, in the eight shapes of the workload. */
function grantsPolicy(workload: Workload): string {
  const rules = (workload.rules ?? []).map(({ id, effect, actions, when }) => {
    const conditions = when.map(conditionText).join(' and ')
    return `@id("${id}")\n${effect} ${actions.join(', ')} on d: Document to u: Person\n  when ${conditions}\n`
  })
  return `module grants

entity Circle {
}
entity Person in Set<Circle> {
  department: String
  clearance: Int
}
entity Folder {
}
entity Document in Set<Folder> {
  owner: Person
  status: String
  sensitivity: Int
  labels: Set<String>
  relation reader: Person
}
action read, edit on Document by Person

@id("grant")
allow read on d: Document to reader of d

${rules.join('\n')}`
}

function conditionText([path, operator, value]: Condition): string {
  const left = path.replace(/^resource/, 'd').replace(/^subject/, 'u')
  if (typeof value === 'object') {
    const renamed = rename(value)
    return `${left} ${operator} ${renamed.type}::${JSON.stringify(renamed.id)}`
  }
  return operator === 'has' ? `${JSON.stringify(value)} in ${left}` : `${left} ${operator} ${JSON.stringify(value)}`
}
