import { migrate } from '../../adapters/database/migrate.ts'
import { openDatabase } from '../../adapters/database/open.ts'
import { isGraph } from '../../policy-lang/entities/graph.ts'
import {
  compileProgram,
  createEvaluator,
  type EntityValue,
  type Request,
  type TupleSubject,
} from '../../policy-lang/index.ts'
import { createTenantGraph } from '../../server/decision/tenant-graph.ts'
import { foundation } from '../../server/schema/0001-foundation.ts'
import { tupleConditions } from '../../server/schema/0013-tuple-conditions.ts'
import { tupleKinds } from '../../server/schema/0043-tuple-kinds.ts'
import { residentBytes } from './measure-http.ts'

// Fills a database, reads it as the server does, and measures; progress on lines of their own, figures as JSON on the last.
const size = Number(process.env.BENCH_ENTITIES ?? 1_000_000)
const perDocument = 10
const tenantId = 'large'
const source = `module large

entity Person {
  department: String
}
entity Document {
  status: String
  relation reader: Person
}
action read on Document by Person
allow read on d: Document to reader of d
`

async function fill(run: (text: string) => Promise<unknown>): Promise<void> {
  await run(`insert into tenant (id, name) values ('${tenantId}', 'Large')`)
  // In pieces, so that no statement outlives its time.
  const piece = Math.ceil(size / 20)
  for (let from = 0; from < size; from += piece) {
    const series = `generate_series(${from}, ${Math.min(from + piece, size) - 1}) n`
    await run(`insert into entity (tenant_id, type, id, attributes)
select '${tenantId}', 'Person', 'user-' || n, jsonb_build_object('department', 'd' || n % 40) from ${series}
union all select '${tenantId}', 'Document', 'document-' || n, jsonb_build_object('status', 's' || n % 3) from ${series}`)
    // Each person is met ten times, far apart.
    await run(`insert into relation (tenant_id, resource_type, resource_id, relation, subject_type, subject_id)
select '${tenantId}', 'Document', 'document-' || n, 'reader', 'Person', 'user-' || ((n::bigint * 7919 + k * 104729) % ${size})
from ${series}, generate_series(0, ${perDocument - 1}) k on conflict do nothing`)
  }
  await run('analyze entity')
  await run('analyze relation')
}

const person = (at: number): EntityValue => ({ kind: 'entity', type: 'Person', id: `user-${at}` })
const document = (at: number): EntityValue => ({ kind: 'entity', type: 'Document', id: `document-${at}` })

/** ns of processor time; `ask` answers a truth so that nothing is left out. */
function time(rounds: number, count: number, ask: (at: number) => boolean): number {
  let kept = 0
  const before = process.cpuUsage()
  for (let round = 0; round < rounds; round += 1) for (let at = 0; at < count; at += 1) kept += ask(at) ? 1 : 0
  const { user, system } = process.cpuUsage(before)
  if (kept === 0) throw new Error('nobody may read anything: the rows are not what was written')
  return ((user + system) * 1000) / (rounds * count)
}

async function measure(url: string): Promise<Record<string, number>> {
  const database = openDatabase({ dataFolder: '', url })
  await migrate(database, [foundation, tupleConditions, tupleKinds])
  await fill((text) => database.query({ name: '', text }))
  console.log(`filled: ${size} people, ${size} documents, ${size * perDocument} tuples`)
  const { program } = compileProgram([{ path: 'large.fbac', text: source }])
  if (!program) throw new Error('the policy of the bench does not compile')
  globalThis.gc?.()
  const empty = residentBytes(process.pid)
  const graph = createTenantGraph(database, tenantId, program, {
    loads: () => ({ progress: () => undefined, done: (read) => console.log(`read: ${JSON.stringify(read)}`) }),
  })
  let blocked = 0
  let last = performance.now()
  const beat = setInterval(() => {
    blocked = Math.max(blocked, performance.now() - last - 10)
    last = performance.now()
  }, 10)
  const before = performance.now()
  await graph.load()
  const loadSeconds = (performance.now() - before) / 1000
  clearInterval(beat)
  const { store } = graph
  const { tuples, bytes } = store.size
  if (tuples !== size * perDocument) throw new Error(`${tuples} tuples were read`)
  globalThis.gc?.()
  const resident = residentBytes(process.pid)

  // The membership itself: is this person a reader of this document? Half are.
  const pairs = Array.from({ length: 200_000 }, (_, at) => {
    const of = (at * 48_271) % size
    return { document: document(of), person: person((of * 7919 + (at % (2 * perDocument)) * 104_729) % size) }
  })
  if (!isGraph(store)) throw new Error('the store is no graph')
  const nodes = pairs.map((pair) => {
    const [subject, resource] = [store.find('Person', pair.person.id), store.find('Document', pair.document.id)]
    return { subject, resource }
  })
  const holds = (at: number): boolean => {
    const asked = nodes[at]
    return asked !== undefined && store.holdsPlainly(asked.subject, 'reader', asked.resource)
  }
  time(20, 1000, holds)
  const hot = Math.min(...[1, 2, 3].map(() => time(200, 1000, holds)))
  const cold = time(2, pairs.length, holds)
  const { allows } = createEvaluator(program)
  const requests = pairs.map(
    (pair): Request => ({ subject: pair.person, action: 'read', resource: pair.document, context: new Map() }),
  )
  const decides = (at: number): boolean => {
    const request = requests[at]
    return request !== undefined && allows(store, request, { now: 0 })
  }
  time(20, 1000, decides)
  const decision = Math.min(...[1, 2, 3].map(() => time(200, 1000, decides)))
  const coldDecision = time(2, pairs.length, decides)

  const changes = Array.from({ length: 20_000 }, (_, at) => ({
    resource: document((at * 31) % size),
    relation: 'reader',
    subject: { kind: 'one', entity: person((at * 37 + 5) % size) } satisfies TupleSubject,
  }))
  let worstChange = 0
  const began = performance.now()
  for (const tuple of changes) {
    const start = performance.now()
    store.putTuple(tuple)
    store.removeTuple(tuple)
    worstChange = Math.max(worstChange, performance.now() - start)
  }
  const change = ((performance.now() - began) * 1000) / (2 * changes.length)
  await database.close()
  const accounted = bytes / (resident - empty)
  return {
    loadSeconds,
    blocked,
    resident: resident / 1e6,
    hot,
    cold,
    decision,
    coldDecision,
    change,
    worstChange,
    accounted,
  }
}

process.stdout.write(`${JSON.stringify(await measure(process.argv[2] ?? ''))}\n`)
