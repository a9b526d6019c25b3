import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { openDatabase } from '../../../adapters/database/open.ts'
import { checkFilter, type Program } from '../../../policy-lang/index.ts'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { tupleConditions } from '../../../server/schema/0013-tuple-conditions.ts'
import { describeWith } from '../../kit/availability.ts'
import { openTestDatabase, type TestDatabase } from '../../kit/database.ts'
import { type RealPostgres, startRealPostgres } from '../../kit/postgres.ts'
import { createFunctions, documentSource } from './filter-rows.ts'
import { hazards, unanswerable } from './hazards.ts'
import {
  type Asking,
  conditionText,
  createConditionCompiler,
  judgeCondition,
  judgeExecutors,
  type Stand,
  type Verdict,
} from './judge-conditions.ts'
import { askings, laboratoryProgram, openEntityTable, rowsFor, schema, tenantId } from './laboratory.ts'
import { openBoundTables } from './laboratory-table.ts'
import { filterServerNeed } from './server-need.ts'

const compile = createConditionCompiler(schema)
const textOf = (condition: string): string => conditionText(schema, condition)
const programs = new Map<string, Program>()
function programOf(condition: string): Program {
  const program = programs.get(condition) ?? compile(condition)
  if (typeof program === 'string') throw new Error(`${condition}: ${program}`)
  programs.set(condition, program)
  return program
}

type Opened = { readonly opened: TestDatabase; readonly stands: readonly Stand[] }

async function open(url?: string): Promise<Opened> {
  const opened = await openTestDatabase({ migrations: [foundation, tupleConditions], ...(url && { url }) })
  await createFunctions(opened.database)
  const program = laboratoryProgram()
  const entities = await openEntityTable(opened.database, program)
  const bound = await openBoundTables(opened.database, program, { graph: entities.graph, tenantId })
  return { opened, stands: [entities, bound] }
}

function agree(get: () => Opened, who: readonly Asking[], only = Object.keys(hazards)): void {
  describe.each(Object.entries(hazards).filter(([hazard]) => only.includes(hazard)))(
    '%s',
    (_, { said, refused = [] }) => {
      const verdicts = async (condition: string) => {
        const { opened, stands } = get()
        const found: (Verdict & { readonly stand: string })[] = []
        for (const stand of stands) {
          const over = { askings: who, ids: rowsFor(condition, stand.ids) }
          found.push({
            stand: stand.name,
            ...(await judgeCondition(opened.database, stand, programOf(condition), over)),
          })
        }
        return found
      }
      test.each(said)('%s', async (condition) => {
        const unanswered = (unanswerable[condition] ?? []).filter((title) => who.some((each) => each.title === title))
        const wanted = ['entity table', 'tables of a module'].map((stand) => ({
          stand,
          kind: 'said',
          differences: [],
          unanswered,
        }))
        expect(await verdicts(condition)).toEqual(wanted)
      })
      if (refused.length === 0) return
      test.each(refused)('%s has no form in SQL', async (condition) => {
        for (const { kind } of await verdicts(condition)) expect(kind).toBe('refused')
      })
    },
  )
}

describe('each hazard of three values, over every row of the laboratory (SPEC 7.7): embedded database', () => {
  let all: Opened
  beforeAll(async () => {
    all = await open()
  }, 60_000)
  afterAll(() => all?.opened.close())
  // The embedded one is slow: those who bring most, and what is hostile.
  agree(() => all, askings.slice(0, 2))

  test.each(Object.values(hazards).flatMap(({ said, refused = [] }) => [...said, ...refused]))(
    'JavaScript and partial evaluation say whole decisions of the interpreter (SPEC 7.2, 7.6): %s',
    (condition) => {
      const program = programOf(condition)
      const [stand] = all.stands
      expect(stand && judgeExecutors(stand, program, { askings, ids: rowsFor(condition, stand.ids) })).toEqual([])
    },
  )
})

describe('what a list would refuse is known when rules are loaded, and where (SPEC 7.7)', () => {
  const program = laboratoryProgram()
  // As in the server: memory closes roles, for whoever asks.
  const source = { ...documentSource(program, tenantId), tuples: { table: 'relation' } }
  const told = (condition: string) => {
    const subjectTypes = ['Person', ...(condition.includes('person') ? [] : ['Anonymous'])]
    const actions = ['look', 'guard', 'lookNot', 'guardNot']
    return subjectTypes.flatMap((subjectType) =>
      actions.flatMap((action) => checkFilter(programOf(condition), { subjectType, action, type: 'Item' }, source)),
    )
  }
  const all = Object.values(hazards)
  test.each(all.flatMap(({ said }) => said))('nothing of %s', (condition) => {
    expect(told(condition)).toEqual([])
  })
  test.each(all.flatMap(({ refused = [] }) => refused))('the place of %s', (condition) => {
    const found = told(condition)
    expect(new Set(found.map(({ code }) => code))).toEqual(new Set(['F7001']))
    const text = textOf(condition)
    for (const { span } of found) expect(condition).toContain(text.slice(span.start, span.end))
  })
})

describeWith(filterServerNeed, 'the same on a PostgreSQL server', () => {
  let postgres: RealPostgres
  let all: Opened
  beforeAll(async () => {
    postgres = await startRealPostgres()
    all = await open(await postgres.createDatabase())
  }, 60_000)
  afterAll(async () => {
    await all?.opened.close()
    await postgres?.stop()
  })
  agree(() => all, askings)
})

describeWith(filterServerNeed, 'text, whatever the language of the database (SPEC 4.3): a Turkish one', () => {
  let postgres: RealPostgres
  let all: Opened
  let drop = async () => undefined as unknown
  beforeAll(async () => {
    postgres = await startRealPostgres()
    const turkish = await turkishDatabase(postgres)
    drop = turkish.drop
    all = await open(turkish.url)
  }, 60_000)
  afterAll(async () => {
    await all?.opened.close()
    await drop()
    await postgres?.stop()
  })
  test('its own letters and order are not those of FBAC', async () => {
    const text = `select lower('I') as small, 'b' < 'B' as mixed`
    expect(await all.opened.database.query({ name: '', text })).toEqual([{ small: '\u0131', mixed: true }])
  })
  agree(() => all, askings, [
    'text',
    'enums',
    'sets and quantifiers',
    'maps and records',
    'entities and hierarchy',
    'relations',
  ])
})

/** Where `i` and `I` are letters of different words, and `\u00e9` stands beside `e`. */
async function turkishDatabase(postgres: RealPostgres) {
  const url = await postgres.createDatabase()
  const run = async (text: string) => {
    const first = openDatabase({ dataFolder: '', url })
    await first.query({ name: '', text }).finally(() => first.close())
  }
  const name = `turkish_${Date.now()}`
  await run(`create database ${name} template template0 encoding 'UTF8' locale_provider icu icu_locale 'tr-TR'`)
  return { url: url.replace(/\/[^/?]*(\?|$)/, `/${name}$1`), drop: () => run(`drop database ${name}`) }
}
