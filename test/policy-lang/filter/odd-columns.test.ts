import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Database } from '../../../adapters/database/port.ts'
import { compileProgram, createEntityStore } from '../../../policy-lang/index.ts'
import { createBoundRows } from '../../../server/decision/bound-rows.ts'
import type { EntityBinding } from '../../../server/decision/entity-binding.ts'
import { createFilterTables } from '../../../server/decision/filter-tables.ts'
import { createPartialFilter } from '../../../server/decision/row-filter.ts'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { describeWith } from '../../kit/availability.ts'
import { openTestDatabase, type TestDatabase } from '../../kit/database.ts'
import { type RealPostgres, startRealPostgres } from '../../kit/postgres.ts'
import { entity } from '../program-kit.ts'
import { createFunctions } from './filter-rows.ts'
import { createConditionCompiler, judgeCondition, now, type Stand } from './judge-conditions.ts'
import { filterServerNeed } from './server-need.ts'

/** Each attribute stands in a column that a module should rather not give it: name, type, column, values, an expectation of one. */
const columns: readonly (readonly [
  name: string,
  type: string,
  column: string,
  values: readonly string[],
  equals: string,
])[] = [
  ['wholeInt', 'Int', 'numeric', ['5', '5.0', '5.5', '9007199254740993', '9223372036854775808', `'NaN'`], '5'],
  ['scaledInt', 'Int', 'numeric(10, 1)', ['5', '5.5'], '5'],
  ['textInt', 'Int', 'text', [`'5'`, `'05'`, `'5.0'`, `'-5'`, `'x'`, `''`, `'99999999999999999999'`], '5'],
  ['floatInt', 'Int', 'double precision', ['5', '5.5', '9007199254740993', '1e300'], '5'],
  [
    'jsonInt',
    'Int',
    'jsonb',
    [
      `'5'`,
      `'"5"'`,
      `'5.0'`,
      `'5e0'`,
      `'5.00000000000000000001'`,
      `'9007199254740991'`,
      `'9007199254740993'`,
      `'1e308'`,
      `'null'`,
    ],
    '5',
  ],
  ['boolInt', 'Int', 'boolean', ['true'], '1'],
  ['textDecimal', 'Decimal', 'text', [`'10.5'`, `'10.50000'`, `'1e1'`, `'x'`], '10.5'],
  ['intDecimal', 'Decimal', 'bigint', ['10', '9007199254740993', '9223372036854775807'], '10.0'],
  ['freeDecimal', 'Decimal', 'numeric', ['10.5', '10.50000', '10.50001', '922337203685477.5807'], '10.5'],
  ['floatDecimal', 'Decimal', 'double precision', ['10.5', '0.1', '1e-5', '1e22'], '10.5'],
  [
    'jsonDecimal',
    'Decimal',
    'jsonb',
    [
      `'10.5'`,
      `'10.50000'`,
      `'"10.5"'`,
      `'"10.50000"'`,
      `'922337203685477.5807'`,
      `'123456789012.34567'`,
      `'1e-7'`,
      `'{"fn":"decimal","arg":"10.5"}'`,
    ],
    '10.5',
  ],
  ['textSpan', 'Duration', 'text', [`'90m'`, `'5400000'`, `'x'`], '90m'],
  ['numericSpan', 'Duration', 'numeric', ['5400000', '5400000.0'], '90m'],
  ['intervalSpan', 'Duration', 'interval', [`'90 minutes'`], '90m'],
  ['textTime', 'Time', 'text', [`'2026-03-02T10:30:00Z'`, `'2026-03-02'`, `'x'`], '2026-03-02T10:30:00Z'],
  ['dateTime', 'Time', 'date', [`'2026-03-02'`, `'infinity'`, `'0044-03-15 BC'`], '2026-03-02T00:00:00Z'],
  ['plainTime', 'Time', 'timestamp', [`'2026-03-02 10:30:00'`], '2026-03-02T10:30:00Z'],
  ['numberTime', 'Time', 'bigint', ['1772447400000'], '2026-03-02T10:30:00Z'],
  ['cidrIp', 'Ip', 'cidr', [`'10.1.2.3'`, `'10.0.0.0/8'`, `'::1'`], 'ip("10.1.2.3")'],
  ['textIp', 'Ip', 'text', [`'10.1.2.3'`, `'10.1.2.3/8'`, `'010.1.2.3'`], 'ip("10.1.2.3")'],
  ['textBool', 'Bool', 'text', [`'true'`, `'t'`], 'true'],
  ['intBool', 'Bool', 'integer', ['1', '0'], 'true'],
  ['charText', 'String', 'char(8)', [`'red'`, `''`], '"red"'],
  ['uuidText', 'String', 'uuid', [`'00000000-0000-0000-0000-000000000001'`], '"00000000-0000-0000-0000-000000000001"'],
  ['intText', 'String', 'integer', ['5'], '"5"'],
  ['jsonText', 'String', 'jsonb', [`'"red"'`, `'5'`, `'null'`], '"red"'],
  ['nameText', 'String', 'name', [`'red'`], '"red"'],
  ['enumKind', '"a" | "b"', 'odd_kind', [`'a'`, `'c'`], '"a"'],
  ['textTags', 'Set<String>', 'text', [`'["red"]'`], '["red"]'],
  ['intTags', 'Set<Int>', 'integer[]', [`'{1,2}'`, `'{1,NULL}'`], '[1, 2]'],
  ['stringInts', 'Set<Int>', 'jsonb', [`'["5"]'`, `'[5]'`], '[5]'],
  ['boolTags', 'Set<Bool>', 'boolean[]', [`'{t,f}'`], '[true, false]'],
  ['floatTags', 'Set<Decimal>', 'double precision[]', [`'{0.1,2}'`], '[0.1, 2.0]'],
  ['varcharTags', 'Set<String>', 'varchar[]', [`'{red}'`], '["red"]'],
  ['textPeople', 'Set<Person>', 'text[]', [`'{p1,p2}'`, `'{}'`], '[Person::"p1", Person::"p2"]'],
  ['jsonOwner', 'Person', 'jsonb', [`'{"type":"Person","id":"p1"}'`, `'"p1"'`, `'5'`], 'Person::"p1"'],
  [
    'uuidOwner',
    'Person',
    'uuid',
    [`'00000000-0000-0000-0000-000000000001'`],
    'Person::"00000000-0000-0000-0000-000000000001"',
  ],
  ['intOwner', 'Person', 'bigint', ['5'], 'Person::"5"'],
]

const schema = `module odd
entity Person {}
entity Item {
${columns.map(([name, type]) => `  ${name}: ${type}`).join('\n')}
}
action look, guard, lookNot, guardNot on Item by anyone
@id("base")
allow guard, guardNot on Item to anyone
`
const bindings: readonly EntityBinding[] = [
  {
    type: 'Item',
    table: 'odd_item',
    idColumn: 'id',
    attributes: Object.fromEntries(columns.map(([name]) => [name, name.toLowerCase()])),
  },
]

async function openOdd(database: Database): Promise<Stand> {
  const run = (text: string) => database.query({ name: '', text })
  await run(`create type odd_kind as enum ('a', 'b', 'c')`)
  const declared = columns.map(([name, , column]) => `${name.toLowerCase()} ${column}`).join(', ')
  await run(
    `create table odd_item (tenant_id text not null, id text not null, ${declared}, primary key (tenant_id, id))`,
  )
  const ids: string[] = []
  for (const [name, , , values] of columns) {
    for (const [index, value] of values.entries()) {
      ids.push(`${name}-${index}`)
      await run(
        `insert into odd_item (tenant_id, id, ${name.toLowerCase()}) values ('t', '${name}-${index}', ${value})`,
      )
    }
  }
  const { program } = compileProgram([{ path: 'odd.fbac', text: schema }])
  if (!program) throw new Error('it does not compile')
  const none = async () => 0n
  const changes = { onChange: () => () => undefined, seen: () => 0n, follow: none, catchUp: none, silence: () => 0 }
  const boundRows = createBoundRows(database, bindings, changes)
  const store = createEntityStore(program)
  const place = { tenantId: 't', program, now }
  for (const [, row] of await boundRows.load(
    place,
    ids.map((id) => entity('Item', id)),
  ))
    if (row) store.putEntity(row)
  const externs = {
    bind: () => undefined,
    areUsed: () => false,
    open: () => ({ misses: 0, value: () => undefined, load: async () => undefined }),
  }
  const graphs = { of: () => createEntityStore(program) } as never
  const partialFilter = createPartialFilter({
    tables: createFilterTables(database, bindings),
    boundRows,
    externs,
    graphs,
  })
  return {
    name: 'odd columns',
    table: 'odd_item',
    where: `t.tenant_id = 't'`,
    ids,
    facts: store,
    filter: (asked, question, firstBinding) =>
      partialFilter({ program: asked, tenantId: 't' } as never, { ...question, now, firstBinding }),
  }
}

const compile = createConditionCompiler(schema)
const askings = [{ title: 'p1', subject: entity('Person', 'p1'), context: new Map() }]

function agree(get: () => { readonly opened: TestDatabase; readonly stand: Stand }): void {
  test.each(columns)('%s: %s in %s', async (name, _type, _column, values, equals) => {
    const { opened, stand } = get()
    const ids = values.map((_, index) => `${name}-${index}`)
    for (const condition of [`item.${name} == ${equals}`, `item.${name} == item.${name}`]) {
      const program = compile(condition)
      if (typeof program === 'string') throw new Error(program)
      const verdict = await judgeCondition(opened.database, stand, program, { askings, ids })
      expect({ condition, ...verdict }).toEqual({ condition, kind: 'said', differences: [], unanswered: [] })
    }
  })
}

describe('a column of a type that does not suit its attribute is read alike by filter and check (SPEC 5.5): embedded', () => {
  let opened: TestDatabase
  let stand: Stand
  beforeAll(async () => {
    opened = await openTestDatabase({ migrations: [foundation] })
    await createFunctions(opened.database)
    stand = await openOdd(opened.database)
  }, 60_000)
  afterAll(() => opened?.close())
  agree(() => ({ opened, stand }))
})

describeWith(filterServerNeed, 'the same on a PostgreSQL server', () => {
  let postgres: RealPostgres
  let opened: TestDatabase
  let stand: Stand
  beforeAll(async () => {
    postgres = await startRealPostgres()
    opened = await openTestDatabase({ migrations: [foundation], url: await postgres.createDatabase() })
    await createFunctions(opened.database)
    stand = await openOdd(opened.database)
  }, 60_000)
  afterAll(async () => {
    await opened?.close()
    await postgres?.stop()
  })
  agree(() => ({ opened, stand }))
})
