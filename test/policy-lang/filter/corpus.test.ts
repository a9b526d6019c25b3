import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { compileFilter, completeResidual, interpret, partialEvaluate } from '../../../policy-lang/index.ts'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { tupleConditions } from '../../../server/schema/0013-tuple-conditions.ts'
import { describeWith } from '../../kit/availability.ts'
import { openTestDatabase, type TestDatabase } from '../../kit/database.ts'
import { type RealPostgres, startRealPostgres } from '../../kit/postgres.ts'
import { type CorpusQuestion, type CorpusSet, corpusSets } from './corpus.ts'
import { createFunctions, documentSource, putRows, type Rows } from './filter-rows.ts'
import { refusedInCorpus } from './refused-in-corpus.ts'
import { filterServerNeed } from './server-need.ts'
import { rowsOfFacts } from './write-facts.ts'

const sets = corpusSets()

/** Rows of each world once, as a tenant of its own. */
async function writeWorlds(opened: TestDatabase, { name, program, questions }: CorpusSet) {
  const tenants = new Map<CorpusQuestion, string>()
  const rows: Rows[] = []
  for (const [index, question] of questions.entries()) {
    const tenantId = `${name} ${index}`
    const found = rowsOfFacts(program, question.facts, { tenantId, also: [question.request.resource] })
    if (!found) continue
    rows.push(found)
    tenants.set(question, tenantId)
  }
  await putRows(opened.database, program, rows)
  return tenants
}

type Found = {
  readonly said: number
  readonly refused: ReadonlyMap<string, number>
  readonly differences: readonly string[]
}

async function compareSet(opened: TestDatabase, set: CorpusSet): Promise<Found> {
  const { program, questions } = set
  const tenants = await writeWorlds(opened, set)
  const refused = new Map<string, number>()
  const differences: string[] = []
  let said = 0
  for (const question of questions) {
    const tenantId = tenants.get(question)
    if (tenantId === undefined) continue
    const { request, facts, options, store } = question
    const { subject, action, resource, context } = request
    const wanted = interpret(program, facts, request, options).decision
    for (const memory of store ? [undefined, { store, isElsewhere: () => false }] : [undefined]) {
      const asked = { subject, action, type: resource.type, context }
      const source = documentSource(program, tenantId)
      const filter = compileFilter(program, facts, asked, { ...options, source, ...(memory && { memory }) })
      if (!filter.ok) {
        for (const { message } of filter.diagnostics) refused.set(message, (refused.get(message) ?? 0) + 1)
        continue
      }
      const first = filter.bindings.length + 1
      const text = `select 1 as found from entity t where (${filter.sql}) and t.tenant_id = $${first} and t.type = $${first + 1} and t.id = $${first + 2}`
      const bindings = [...filter.bindings, tenantId, resource.type, resource.id]
      const ask = () => opened.database.query({ name: '', text }, bindings)
      // The embedded database compiles nothing.
      const asking = opened.database.kind === 'server' ? opened.database.transaction(ask, { jit: 'off' }) : ask()
      const rows = await asking.catch((error: Error) => [`${error.cause ?? error}`, 'broken'])
      said += 1
      if (rows.length !== Number(wanted)) {
        differences.push(
          `${subject.type} ${subject.id} ${action} ${resource.id}: ${wanted}, SQL ${JSON.stringify(rows)}`,
        )
      }
    }
  }
  return { said, refused, differences }
}

const totals = new Map<string, number>()

function agree(get: () => TestDatabase): void {
  test.each(sets.map((set) => ({ ...set, title: set.name })))(
    '$title',
    async (set) => {
      const { said, refused, differences } = await compareSet(get(), set)
      expect(differences).toEqual([])
      process.stderr.write(
        `${set.name}: ${said} filters asked; refused: ${JSON.stringify(Object.fromEntries(refused))}\n`,
      )
      expect([...refused.keys()].sort()).toEqual([...(refusedInCorpus[set.name] ?? [])].sort())
      totals.set(set.name, said)
    },
    120_000,
  )
  test('most questions have an answer in SQL', () => {
    expect([...totals.values()].reduce((sum, each) => sum + each, 0)).toBeGreaterThan(1000)
  })
}

describe('every case of the tree: what a filter lists is what a check allows (SPEC 7.7): embedded database', () => {
  let opened: TestDatabase
  beforeAll(async () => {
    opened = await openTestDatabase({ migrations: [foundation, tupleConditions] })
    await createFunctions(opened.database)
  }, 60_000)
  afterAll(() => opened?.close())
  agree(() => opened)
})

describeWith(filterServerNeed, 'the same on a PostgreSQL server', () => {
  let postgres: RealPostgres
  let opened: TestDatabase
  beforeAll(async () => {
    postgres = await startRealPostgres()
    opened = await openTestDatabase({ migrations: [foundation, tupleConditions], url: await postgres.createDatabase() })
    await createFunctions(opened.database)
  }, 60_000)
  afterAll(async () => {
    await opened?.close()
    await postgres?.stop()
  })
  agree(() => opened)
})

describe('every case of the tree, with each subset of subject, action, resource and context unknown (SPEC 7.6)', () => {
  test.each(sets)('$name', ({ program, questions }) => {
    for (const { facts, request, options } of questions) {
      const wanted = interpret(program, facts, request, options)
      for (let hidden = 0; hidden < 16; hidden += 1) {
        const { subject, action, resource, context } = request
        const question = {
          subject: hidden & 1 ? ({ kind: 'unknown', type: subject.type } as const) : subject,
          action: hidden & 2 ? undefined : action,
          resource: hidden & 4 ? ({ kind: 'unknown', type: resource.type } as const) : resource,
          context: hidden & 8 ? new Map() : context,
          ...(hidden & 8 && { unknownContext: 'all' as const }),
        }
        const residual = partialEvaluate(program, facts, question, options)
        if (residual === 'limit') throw new Error('no limit is near')
        expect(completeResidual(program, residual, { facts, request, options })).toEqual(wanted)
      }
    }
  })
})
