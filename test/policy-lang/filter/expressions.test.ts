import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  compileFilter,
  compileProgram,
  completeResidual,
  createEntityStore,
  type EntityStore,
  interpret,
  type Json,
  type Program,
  parseStrictJson,
  partialEvaluate,
  readData,
  readInstant,
  readRequest,
} from '../../../policy-lang/index.ts'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { tupleConditions } from '../../../server/schema/0013-tuple-conditions.ts'
import { describeWith } from '../../kit/availability.ts'
import { openTestDatabase, type TestDatabase } from '../../kit/database.ts'
import { type RealPostgres, startRealPostgres } from '../../kit/postgres.ts'
import { type Line, readLines } from '../cases/expressions/read-lines.ts'
import { membersOf, textOf } from '../cases/read-asked.ts'
import { createFunctions, documentSource, putRows } from './filter-rows.ts'
import { filterServerNeed } from './server-need.ts'
import { rowsOfFacts } from './write-facts.ts'

const folder = new URL('../cases/expressions/', import.meta.url)
const laboratory = readFileSync(new URL('laboratory.fbac', folder), 'utf8')
const parsed = parseStrictJson(readFileSync(new URL('laboratory.json', folder), 'utf8'))
if (!parsed.ok) throw new Error('laboratory.json is no JSON')
const data: { readonly [name: string]: Json } = membersOf(parsed.value)
const options = { now: readInstant(textOf(data.now)) ?? 0 }

/** Lines that SQL refuses, which may only become fewer. */
const refusedLines = 13

type World = { readonly opened: TestDatabase; readonly store: EntityStore }
async function open(url?: string): Promise<World> {
  const opened = await openTestDatabase({ migrations: [foundation, tupleConditions], ...(url && { url }) })
  await createFunctions(opened.database)
  const { program } = compileProgram([{ path: 'laboratory.fbac', text: laboratory }])
  if (!program) throw new Error('the laboratory does not compile')
  const store = createEntityStore(program)
  const { entities, tuples } = readData(program, data)
  for (const entity of entities) store.putEntity(entity)
  for (const tuple of tuples) store.putTuple(tuple)
  const rows = rowsOfFacts(program, store, { tenantId: 'lab', also: [] })
  if (rows) await putRows(opened.database, program, [rows])
  return { opened, store }
}

/** As an allow and as a deny, as the corpus states it. */
function compile({ expression }: Line): Program | undefined {
  const marks = expression.includes('attempt(') ? '@failsOpen\n' : ''
  const rule = (name: string, effect: string) =>
    `\n@id("${name}")\n${effect === 'deny' ? marks : ''}${effect} ${name} on t: Thing to anyone\n  when ${expression}\n`
  const text = laboratory + rule('look', 'allow') + rule('guard', 'deny')
  return compileProgram([{ path: 'laboratory.fbac', text }]).program
}

function requestOf(program: Program, action: string) {
  const read = readRequest(program, { ...membersOf(data.request), action: { name: action } })
  if (!read.ok) throw new Error(read.message)
  return read.request
}

async function listed({ opened, store }: World, program: Program, action: string): Promise<boolean | 'refused'> {
  const { subject, context, resource } = requestOf(program, action)
  const question = { subject, action, type: resource.type, context }
  const source = documentSource(program, 'lab')
  const filter = compileFilter(program, store, question, { ...options, source })
  if (!filter.ok) return 'refused'
  const text = `select 1 from entity t where t.tenant_id = 'lab' and t.type = 'Thing' and (${filter.sql})`
  const ask = () => opened.database.query({ name: '', text }, filter.bindings)
  return (await opened.database.transaction(ask, { jit: 'off' })).length === 1
}

const compiled = readLines().flatMap((line) => {
  const program = compile(line)
  return program ? [{ ...line, program }] : []
})

function agree(get: () => World): void {
  const refused = new Set<string>()
  test.each(compiled)(
    'SPEC $clause: $expression => $allow ($place)',
    async ({ program, allow, deny, place, expression }) => {
      const answers = [await listed(get(), program, 'look'), await listed(get(), program, 'guard')]
      if (answers.includes('refused')) return void refused.add(`${place} ${expression}`)
      // An allow lists where it is true; a deny lets through only where it is false, and E is neither (SPEC 5.3).
      expect(answers).toEqual([allow === 'true', deny === 'false'])
    },
  )
  test('no more lines are refused than were', () => {
    process.stderr.write(`lines that SQL refuses:\n${[...refused].join('\n')}\n`)
    expect(refused.size).toBe(refusedLines)
  })
}

describe('the corpus of expressions lists what it decides (SPEC 7.7): embedded database', () => {
  let world: World
  beforeAll(async () => {
    world = await open()
  }, 60_000)
  afterAll(() => world?.opened.close())
  agree(() => world)

  test.each(compiled)('$expression, partly unknown, then filled in (SPEC 7.6)', ({ program }) => {
    for (const action of ['look', 'guard']) {
      const request = requestOf(program, action)
      const wanted = interpret(program, world.store, request, options)
      for (let hidden = 0; hidden < 16; hidden += 1) {
        const { subject, resource, context } = request
        const question = {
          subject: hidden & 1 ? ({ kind: 'unknown', type: subject.type } as const) : subject,
          action: hidden & 2 ? undefined : action,
          resource: hidden & 4 ? ({ kind: 'unknown', type: resource.type } as const) : resource,
          context: hidden & 8 ? new Map() : context,
          ...(hidden & 8 && { unknownContext: 'all' as const }),
        }
        const residual = partialEvaluate(program, world.store, question, options)
        if (residual === 'limit') throw new Error('no limit is near')
        expect(completeResidual(program, residual, { facts: world.store, request, options })).toEqual(wanted)
      }
    }
  })
})

describeWith(filterServerNeed, 'the same on a PostgreSQL server', () => {
  let postgres: RealPostgres
  let world: World
  beforeAll(async () => {
    postgres = await startRealPostgres()
    world = await open(await postgres.createDatabase())
  }, 60_000)
  afterAll(async () => {
    await world?.opened.close()
    await postgres?.stop()
  })
  agree(() => world)
})
