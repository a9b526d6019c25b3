import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createEvaluator, type Request } from '../../policy-lang/index.ts'
import { createFloor } from './floor.ts'
import type { Report } from './report.ts'
import { prepare, type Reference, readWorkload, rename, type Workload } from './workloads.ts'

const files = [
  'gdrive-fixed-50-0',
  'gdrive-as-published-50-0',
  'github-5-0',
  'github-20-0',
  'github-50-0',
  'grants-10',
  'grants-1000',
]

/** One engine: the number of the request in, the decision out. */
type Engine = (index: number) => boolean

/** Decisions in process, from plain objects with text ids, against a hand-written function, casbin and Cedar in WebAssembly. */
export const decision = {
  name: 'decision',
  summary: 'one decision in process, ns of processor time (requests in turn)',
  async run(report: Report): Promise<void> {
    for (const file of files) {
      const workload = readWorkload(file)
      if (!workload) {
        report.note(`skipped: the workload ${file} is not beside the project`)
        continue
      }
      await measure(report, file, workload)
    }
  },
}

async function measure(report: Report, file: string, workload: Workload): Promise<void> {
  const engines: { readonly [name: string]: Engine | undefined } = {
    floor: floorEngine(workload),
    ours: ours(workload),
    casbin: await casbin(workload),
    'cedar-wasm': await cedarWasm(workload),
  }
  const times: { [name: string]: number } = {}
  for (const [name, engine] of Object.entries(engines)) {
    if (!engine) continue
    check(file, name, workload, engine)
    times[name] = time(workload, engine)
  }
  report.row(file, times)
  const { floor, ours: mine, 'cedar-wasm': cedar } = times
  if (floor !== undefined && mine !== undefined) report.ratio(`${file}: ours / floor`, mine / floor, { atMost: 20 })
  if (cedar !== undefined && mine !== undefined)
    report.ratio(`${file}: cedar-wasm / ours`, cedar / mine, { atLeast: 5 })
}

/** Wrong answers are not worth timing. */
function check(file: string, name: string, workload: Workload, engine: Engine): void {
  const wrong = workload.requests.findIndex(({ expected }, index) => engine(index) !== (expected === 'allow'))
  if (wrong >= 0) throw new Error(`${file}: ${name} answers request ${wrong} wrongly`)
}

const budget = { warm: 150, measured: 400 }

/** ns a decision: processor time holds on a busy machine, where clock time does not. */
function time(workload: Workload, engine: Engine): number {
  const { length } = workload.requests
  let kept = 0
  const round = (): void => {
    for (let index = 0; index < length; index += 1) kept += engine(index) ? 1 : 0
  }
  for (const until = performance.now() + budget.warm; performance.now() < until; ) round()
  let rounds = 0
  const before = process.cpuUsage()
  for (const until = performance.now() + budget.measured; performance.now() < until; rounds += 1) round()
  const used = process.cpuUsage(before)
  if (kept < 0) throw new Error('unreachable')
  return ((used.user + used.system) * 1000) / (rounds * length)
}

function ours(workload: Workload): Engine {
  const { program, store } = prepare(workload)
  const evaluator = createEvaluator(program)
  const context = new Map()
  const uid = (reference: Reference) => ({ kind: 'entity', ...rename(reference) }) as const
  const requests: readonly Request[] = workload.requests.map(({ subject, action, resource }) => ({
    subject: uid(subject),
    action,
    resource: uid(resource),
    context,
  }))
  const options = { now: 0 }
  const { decide } = evaluator
  return (index) => decide(store, requests[index] as Request, options).decision // index is below their number
}

function floorEngine(workload: Workload): Engine | undefined {
  const floor = createFloor(workload)
  const { requests } = workload
  return (
    floor &&
    ((index) => {
      const request = requests[index] as Workload['requests'][number] // index is below their number
      return floor(request.subject, request.action, request.resource)
    })
  )
}

const key = ({ type, id }: Reference): string => `${type}::${id}`

/** Rows and a role manager; only github is of its kind. */
async function casbin(workload: Workload): Promise<Engine | undefined> {
  if (workload.name !== 'github') return undefined
  const { newEnforcer, newModelFromString } = await import('casbin')
  const enforcer = await newEnforcer(
    newModelFromString(`[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
`),
  )
  const order = ['read', 'triage', 'write', 'maintain', 'admin']
  const reach: { readonly [role: string]: number } = { readers: 1, triagers: 2, writers: 3, maintainers: 4, admins: 5 }
  const byKey = new Map(workload.entities.map((entity) => [key(entity), entity]))
  const rows = workload.entities
    .filter(({ type }) => type === 'Repository')
    .flatMap((repository) => {
      const owner = byKey.get(key(repository.attrs.owner as Reference)) // a repository has an owner
      return [repository.attrs, owner?.attrs ?? {}].flatMap((attrs) =>
        Object.entries(attrs).flatMap(([role, value]) =>
          order.slice(0, reach[role] ?? 0).map((action) => [key(value as Reference), repository.id, action]),
        ),
      )
    })
  await enforcer.addPolicies(rows)
  await enforcer.addGroupingPolicies(
    workload.entities.flatMap((entity) => entity.parents.map((parent) => [key(entity), key(parent)])),
  )
  const asked = workload.requests.map(({ subject, action, resource }) => [key(subject), resource.id, action])
  return (index) => enforcer.enforceSync(...(asked[index] ?? []))
}

const cedarFolder = fileURLToPath(new URL('../../../shared/bench/cedar/', import.meta.url))

/** Policies parsed ahead; with each call the entities that it can touch. */
async function cedarWasm(workload: Workload): Promise<Engine | undefined> {
  const family = workload.name.split('-')[0] ?? ''
  if (family === 'grants' || !existsSync(`${cedarFolder}${family}.cedar`)) return undefined
  const cedar = await import('@cedar-policy/cedar-wasm/nodejs')
  cedar.preparsePolicySet(family, { staticPolicies: readFileSync(`${cedarFolder}${family}.cedar`, 'utf8') })
  const marked = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(marked)
    return typeof value === 'object' && value !== null ? { __entity: value } : value
  }
  const byKey = new Map(
    workload.entities.map((entity) => [
      key(entity),
      {
        uid: { type: entity.type, id: entity.id },
        attrs: Object.fromEntries(Object.entries(entity.attrs).map(([name, value]) => [name, marked(value)])),
        parents: [...entity.parents],
      },
    ]),
  )
  const ladder = family === 'github' ? ['read', 'triage', 'write', 'maintain', 'admin'] : []
  const actions = ladder.map((id, index) => ({
    uid: { type: 'Action', id },
    attrs: {},
    parents: ladder.slice(index + 1, index + 2).map((parent) => ({ type: 'Action', id: parent })),
  }))
  const slice = (request: Workload['requests'][number]) => {
    const kept = new Set<{ uid: Reference; attrs: object; parents: readonly Reference[] }>(actions)
    const climb = (reference: Reference): void => {
      const entity = byKey.get(key(reference))
      if (!entity || kept.has(entity)) return
      kept.add(entity)
      for (const parent of entity.parents) climb(parent)
    }
    for (const reference of [request.subject, request.resource]) {
      climb(reference)
      const owner = workload.entities.find((entity) => key(entity) === key(reference))?.attrs.owner
      const entity = owner && byKey.get(key(owner as Reference)) // the one attribute that is followed
      if (entity) kept.add(entity)
    }
    return [...kept]
  }
  const calls = workload.requests.map((request) => ({
    principal: request.subject,
    action: { type: 'Action', id: request.action },
    resource: request.resource,
    context: {},
    preparsedPolicySetId: family,
    entities: slice(request),
  }))
  type Call = Parameters<typeof cedar.statefulIsAuthorized>[0]
  return (index) => {
    const answer = cedar.statefulIsAuthorized(calls[index] as unknown as Call) // built above in its form
    if (answer.type !== 'success') throw new Error(JSON.stringify(answer))
    return answer.response.decision === 'allow'
  }
}
