import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type CurveRow, type Figures, writeDecisionDocs } from './decision-docs.ts'
import type { Report } from './report.ts'
import { type Reference, readWorkload, type Workload } from './workloads.ts'

const files = [
  'gdrive-fixed-5-0',
  'gdrive-fixed-20-0',
  'gdrive-fixed-50-0',
  'gdrive-as-published-5-0',
  'gdrive-as-published-20-0',
  'gdrive-as-published-50-0',
  'github-5-0',
  'github-20-0',
  'github-50-0',
]

/** One engine: the number of the request in, the decision out. */
type Engine = (index: number) => boolean

/** Decisions in process, from plain objects with text ids, against a hand-written function, casbin and Cedar. */
export const decision = {
  name: 'decision',
  summary: 'one decision in process, ns of processor time (requests in turn)',
  async run(report: Report): Promise<void> {
    for (const file of files) {
      const workload = readWorkload(file)
      if (workload) await measure(report, file, workload)
      else report.note(`skipped: the workload ${file} is not beside the project`)
    }
    if (!existsSync(nativeCedar)) report.note('skipped: native Cedar is not built beside the project')
    const rows = [
      ...curve(report, 'grants beside 1,000 rules', 'grants', [10, 1000, 100_000, 1_000_000]),
      ...curve(report, 'distinct rules, 5 of which can match', 'rules', [10, 100, 1000, 10_000]),
      ...curve(report, 'rules over 9 roles, 12 actions, 10 types', 'set', [1000, 10_000]),
    ]
    if (process.argv.includes('--write-docs')) writeDecisionDocs([...report.rows], rows)
  },
}

/** In a process of its own, so that no other program has shaped its code. */
function apart(kind: string, of: string): Figures | undefined {
  const script = fileURLToPath(new URL('./decision-process.ts', import.meta.url))
  const out = execFileSync(process.execPath, ['--expose-gc', '--max-old-space-size=6000', script, kind, of], {
    encoding: 'utf8',
  })
  return (JSON.parse(out) as Figures | null) ?? undefined // its one line
}

function curve(report: Report, title: string, kind: string, sizes: readonly number[]): readonly CurveRow[] {
  const rows = sizes.flatMap((size) => {
    const figures = apart(kind, String(size))
    if (figures) report.row(`${title}: ${size}`, figures)
    return figures ? [{ title, size, figures }] : []
  })
  const [first, last] = [rows[0]?.figures.ours, rows.at(-1)?.figures]
  if (first !== undefined && last?.ours !== undefined) {
    report.ratio(`${title}: growth`, last.ours / first, { atMost: kind === 'grants' ? 2 : kind === 'rules' ? 1.5 : 2 })
  }
  if (first !== undefined && last?.different !== undefined) {
    report.ratio(`${title}: growth, requests all different`, last.different / first, { atMost: 6 })
  }
  const floor = [rows[0]?.figures, last]
  for (const each of ['floor', 'floorDifferent']) {
    const [small, large] = floor.map((figures) => figures?.[each])
    // What memory alone costs: the hand-written function has the same data in maps of its own.
    if (small !== undefined && large !== undefined) report.ratio(`${title}: growth of ${each}`, large / small)
  }
  if (last?.bytes !== undefined) report.ratio(`${title}: bytes a decision`, last.bytes, { atMost: 100 })
  if (kind === 'set' && last?.ours !== undefined && last.load !== undefined) {
    report.ratio(`${title}: ns a decision`, last.ours, { atMost: 250 })
    report.ratio(`${title}: load, ms`, last.load, { atMost: 2000 })
  }
  return rows
}

async function measure(report: Report, file: string, workload: Workload): Promise<void> {
  const figures = apart('file', file)
  const times: { [name: string]: number } = { ...figures }
  const peers = { casbin: await casbin(workload), 'cedar-wasm': await cedarWasm(workload) }
  for (const [name, engine] of Object.entries(peers)) {
    if (!engine) continue
    check(file, name, workload, engine)
    times[name] = time(workload, engine)
  }
  const native = nativeTime(workload, file)
  if (native !== undefined) times['cedar native'] = native
  report.row(file, times)
  const { floor, ours, bytes } = times
  if (floor !== undefined && ours !== undefined) {
    report.ratio(`${file}: ours / floor`, ours / floor, file.startsWith('grants') ? {} : { atMost: 2.5 })
  }
  if (native !== undefined && ours !== undefined) {
    report.ratio(`${file}: native Cedar / ours`, native / ours, { atLeast: 50 })
  }
  if (bytes !== undefined) report.ratio(`${file}: bytes a decision`, bytes, { atMost: 100 })
}

const bench = fileURLToPath(new URL('../../../shared/bench/', import.meta.url))
/** Built as its README says, there or wherever the variable points. */
const nativeCedar = process.env.CEDAR_NATIVE ?? `${bench}cedar-native/target/release/cedar-native`

/** p50 of mode `whole`, in a process of its own: its README. */
function nativeTime(workload: Workload, file: string): number | undefined {
  const family = workload.name.split('-')[0] ?? ''
  if (!existsSync(nativeCedar) || family === 'grants') return undefined
  const cedar = `${bench}cedar/${family}`
  const out = execFileSync(nativeCedar, [`${cedar}.cedar`, `${cedar}.cedarschema`, `${bench}data/${file}.json`], {
    encoding: 'utf8',
  })
  const lines = out.trim().split('\n')
  const found = lines.map((line) => JSON.parse(line) as { mode: string; p50_ns: number }) // its README
  return found.find(({ mode }) => mode === 'whole')?.p50_ns
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
