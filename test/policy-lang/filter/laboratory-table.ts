import type { Database } from '../../../adapters/database/port.ts'
import { createEntityStore, type EntityStore, type Program } from '../../../policy-lang/index.ts'
import { type BoundRows, createBoundRows } from '../../../server/decision/bound-rows.ts'
import type { EntityBinding } from '../../../server/decision/entity-binding.ts'
import { createFilterTables } from '../../../server/decision/filter-tables.ts'
import { createPartialFilter } from '../../../server/decision/row-filter.ts'
import { now, type Stand } from './judge-conditions.ts'

// The laboratory in tables of a module: one column for each attribute, of the type that a module would choose, and of some that
// it should not. Values are written as SQL.

const tables = `
create table lab_room (tenant_id text not null, id text collate "C" not null, title varchar(40), floor smallint,
  keeper_id text, upper_id text collate "C", primary key (tenant_id, id));
create table lab_item (tenant_id text not null, id text not null,
  n bigint, m integer, price numeric(19, 4), fee double precision, s text collate "C", t varchar(40) collate "POSIX", flag boolean, maybe boolean,
  at timestamptz, until timestamptz, span bigint, pause integer, address inet, net text, level text, rank varchar(9), kind text,
  tags jsonb, more text[], numbers bigint[], prices numeric[], times timestamptz[], ips inet[], people jsonb, rates jsonb,
  titles jsonb, place jsonb, stops jsonb, grid jsonb, data jsonb, owner_id text collate "C", other_id text, either_id text, either_type text,
  room_id text, primary key (tenant_id, id));
`
export const bindings: readonly EntityBinding[] = [
  {
    type: 'Room',
    table: 'lab_room',
    idColumn: 'id',
    attributes: { name: 'title', floor: 'floor', keeper: 'keeper_id', upper: 'upper_id' },
  },
  {
    type: 'Item',
    table: 'lab_item',
    idColumn: 'id',
    attributes: {
      ...Object.fromEntries(
        // biome-ignore format: a list of names
        ['n', 'm', 'price', 'fee', 's', 't', 'flag', 'maybe', 'at', 'span', 'pause', 'address', 'net', 'level', 'rank', 'kind', 'tags',
          'more', 'numbers', 'prices', 'times', 'ips', 'people', 'rates', 'titles', 'place', 'stops', 'grid'].map((name) => [name, name]),
      ),
      end: 'until',
      spot: { column: 'data', path: ['deep', 'spot'] },
      owner: 'owner_id',
      other: { sql: `case when t.other_id <> 'gone' then t.other_id end` },
      either: { column: 'either_id', typeColumn: 'either_type' },
      room: 'room_id',
    },
  },
]

type Columns = { readonly [column: string]: string }
const whole: Columns = {
  n: '5',
  m: '7',
  price: '10.50',
  fee: '0.1',
  s: `'green'`,
  t: `'Tree'`,
  flag: 'true',
  maybe: 'false',
  at: `'2026-03-02T10:30:00Z'`,
  until: `'2026-03-02T10:30:00.5Z'`,
  span: '5400000',
  pause: '5400000',
  address: `'10.1.2.3'`,
  net: `'10.0.0.0/8'`,
  level: `'mid'`,
  rank: `'high'`,
  kind: `'a'`,
  tags: `'["red","blue","red"]'`,
  more: `'{red}'`,
  numbers: `'{1,2,3}'`,
  prices: `'{1.50,1.5,2}'`,
  times: `'{2026-03-02T10:30:00Z}'`,
  ips: `'{10.1.2.3,::1}'`,
  people: `'["p1","p2"]'`,
  rates: `'{"eur":3,"odd key":4}'`,
  titles: `'{"en":"x"}'`,
  place: `'{"city":"Bonn","zip":"53111","geo":{"lat":50}}'`,
  stops: `'[{"city":"Bonn"},{"city":"Rome","zip":"1"}]'`,
  data: `'{"deep":{"spot":{"city":"Bonn"}}}'`,
  owner_id: `'p1'`,
  other_id: `'p2'`,
  either_id: `'c1'`,
  either_type: `'Crew'`,
  room_id: `'r1'`,
}
/** By attribute, so that a condition finds the rows that matter to it. */
const forms: { readonly [attribute: string]: readonly Columns[] } = {
  n: ['0', '9007199254740992', '9007199254740993', '9223372036854775807', '-9223372036854775808', 'null'].map((n) => ({
    n,
  })),
  m: ['0', '-5', 'null'].map((m) => ({ m })),
  price: ['0', '-10.5', '10.5001', '922337203685477.5807', '922337203685477.5808', `'NaN'`, 'null'].map((price) => ({
    price,
  })),
  fee: ['0.25', '1e300', `'NaN'`, `'infinity'`, '0.00001', '-0.0', 'null'].map((fee) => ({ fee })),
  s: [
    `''`,
    `'Green'`,
    `'gr\u00df'`,
    `'\u0130I\u0131i'`,
    `'a%b_c\\d*e'`,
    `E'gr\\neen'`,
    `'e\u0301'`,
    `'\u{1f600}'`,
    `'\uffff'`,
    'null',
  ].map((s) => ({ s })),
  t: [`''`, `'red'`, 'null'].map((t) => ({ t })),
  flag: ['false', 'null'].map((flag) => ({ flag })),
  maybe: ['true', 'null'].map((maybe) => ({ maybe })),
  at: [
    `'2026-03-02T10:30:00.0009Z'`,
    `'2026-03-02T10:29:59.9999Z'`,
    `'2026-03-02'`,
    `'infinity'`,
    `'-infinity'`,
    `'0001-01-01T00:00:00Z'`,
    `'0001-12-31T00:00:00Z BC'`,
    `'9999-12-31T23:59:59.999Z'`,
    `'20000-01-01T00:00:00Z'`,
    `'1969-12-31T23:59:59.9999Z'`,
    'null',
  ].map((at) => ({ at })),
  end: [`'infinity'`, `'2026-03-02T10:30:00Z'`, 'null'].map((until) => ({ until })),
  span: ['0', '-5400000', '9223372036854775807', 'null'].map((span) => ({ span })),
  pause: ['0', 'null'].map((pause) => ({ pause })),
  address: [
    `'10.0.0.0/8'`,
    `'10.1.2.3/8'`,
    `'::1'`,
    `'::ffff:10.1.2.3'`,
    `'2001:db8::1'`,
    `'0.0.0.0/0'`,
    `'127.0.0.1'`,
    'null',
  ].map((address) => ({ address })),
  net: [`'10.1.2.3'`, `'010.0.0.1'`, `'10.1.2.3/8'`, `'1.2.3.4::1'`, `''`, 'null'].map((net) => ({ net })),
  level: [`'low'`, `'HIGH'`, 'null'].map((level) => ({ level })),
  rank: [`'low'`, `'none'`, 'null'].map((rank) => ({ rank })),
  kind: [`'b'`, `'A'`, 'null'].map((kind) => ({ kind })),
  tags: [`'[]'`, `'["blue","red"]'`, `'["red",5]'`, `'"red"'`, `'{}'`, `'null'`, 'null'].map((tags) => ({ tags })),
  more: [`'{}'`, `'{red,blue}'`, `'{red,NULL}'`, `'{{red}}'`, 'null'].map((more) => ({ more })),
  numbers: [`'{}'`, `'{1,1}'`, `'{9223372036854775807}'`, `'{1,NULL}'`, 'null'].map((numbers) => ({ numbers })),
  prices: [`'{}'`, `'{1.5000}'`, `'{922337203685477.5807}'`, `'{1.50001}'`, `'{NaN}'`, 'null'].map((prices) => ({
    prices,
  })),
  times: [`'{}'`, `'{2026-03-02T10:30:00.0004Z,2026-03-02T10:30:00Z}'`, `'{infinity}'`, 'null'].map((times) => ({
    times,
  })),
  ips: [`'{}'`, `'{10.0.0.0/8}'`, `'{10.0.0.1/8}'`, 'null'].map((ips) => ({ ips })),
  people: [`'[]'`, `'["p2"]'`, `'[{"type":"Person","id":"p1"}]'`, `'[{"type":"Crew","id":"c1"}]'`, `'[5]'`, 'null'].map(
    (people) => ({
      people,
    }),
  ),
  rates: [`'{}'`, `'{"eur":"3"}'`, `'[3]'`, 'null'].map((rates) => ({ rates })),
  titles: [`'{}'`, `'{"en":5}'`, 'null'].map((titles) => ({ titles })),
  place: [`'{}'`, `'{"city":5}'`, `'{"city":"Bonn","geo":{}}'`, `'[]'`, `'null'`, 'null'].map((place) => ({ place })),
  stops: [`'[]'`, `'[{}]'`, `'[5]'`, 'null'].map((stops) => ({ stops })),
  spot: [`'{}'`, `'{"deep":5}'`, `'{"deep":{"spot":[]}}'`, `'{"deep":{"spot":{}}}'`, 'null'].map((data) => ({ data })),
  owner: [`'p2'`, `'nobody'`, `''`, 'null'].map((owner_id) => ({ owner_id })),
  other: [`'p1'`, `'gone'`, 'null'].map((other_id) => ({ other_id })),
  either: [
    { either_id: `'p1'`, either_type: `'Person'` },
    { either_id: `'p1'`, either_type: `'Room'` },
    { either_id: `'p1'`, either_type: 'null' },
    { either_id: 'null', either_type: `'Person'` },
  ],
  room: [`'r2'`, `'r9'`, 'null'].map((room_id) => ({ room_id })),
}
const items: readonly { readonly id: string; readonly columns: Columns }[] = [
  { id: 'whole', columns: whole },
  { id: 'empty', columns: {} },
  ...Object.entries(forms).flatMap(([name, all]) =>
    all.map((columns, index) => ({ id: `${name}-${index}`, columns: { ...whole, ...columns } })),
  ),
]
const rooms: readonly { readonly id: string; readonly columns: Columns }[] = [
  { id: 'r0', columns: { title: `'house'`, floor: '0', keeper_id: `'p3'` } },
  { id: 'r1', columns: { title: `'hall'`, floor: '1', keeper_id: `'p1'`, upper_id: `'r0'` } },
  { id: 'r2', columns: { title: `'cellar'`, floor: '-1' } },
]

/** Items and rooms in tables of their own, all else where `graph` has it from; filters are the server's. */
export async function openBoundTables(
  database: Database,
  program: Program,
  from: { readonly graph: EntityStore; readonly tenantId: string },
): Promise<Stand> {
  const { graph, tenantId } = from
  for (const text of tables.split(/;\n/).filter((each) => each.trim() !== '')) await database.query({ name: '', text })
  for (const [table, rows] of [['lab_item', items] as const, ['lab_room', rooms] as const]) {
    for (const { id, columns } of rows) {
      const names = ['tenant_id', 'id', ...Object.keys(columns)]
      const values = [`'${tenantId}'`, `'${id}'`, ...Object.values(columns)]
      await database.query({
        name: '',
        text: `insert into ${table} (${names.join(', ')}) values (${values.join(', ')})`,
      })
    }
  }
  const none = async () => 0n
  const changes = { onChange: () => () => undefined, seen: () => 0n, follow: none, catchUp: none, silence: () => 0 }
  const boundRows = createBoundRows(database, bindings, changes)
  const ids = items.map(({ id }) => id)
  const facts = await wholeStore(program, graph, { boundRows, tenantId })
  const externs = {
    bind: () => undefined,
    areUsed: () => false,
    open: () => ({ misses: 0, value: () => undefined, load: async () => undefined }),
  }
  // The graph as the server has it: without the rows of bound types.
  const partialFilter = createPartialFilter({
    tables: createFilterTables(database, bindings),
    boundRows,
    externs,
    graphs: { of: () => graph } as never,
  })
  return {
    name: 'tables of a module',
    table: 'lab_item',
    where: `t.tenant_id = '${tenantId}'`,
    ids,
    facts,
    filter: (asked, question, firstBinding) =>
      partialFilter({ program: asked, tenantId } as never, { ...question, now, firstBinding }),
  }
}

/** Everything at once, as the interpreter wants it. */
async function wholeStore(
  program: Program,
  graph: EntityStore,
  from: { readonly boundRows: BoundRows; readonly tenantId: string },
): Promise<EntityStore> {
  const uids = [
    ...rooms.map(({ id }) => ({ kind: 'entity', type: 'Room', id }) as const),
    ...items.map(({ id }) => ({ kind: 'entity', type: 'Item', id }) as const),
  ]
  const loaded = await from.boundRows.load({ tenantId: from.tenantId, program, now }, uids)
  const store = createEntityStore(program)
  for (const type of ['Crew', 'Person']) {
    for (const id of graph.idsOf(type)) {
      const uid = { kind: 'entity', type, id } as const
      const names = [...(program.entityTypes.get(type)?.attributes.keys() ?? [])]
      const attributes = names.flatMap((name) => {
        const value = graph.attribute(uid, name)
        return value === undefined ? [] : [[name, value] as const]
      })
      store.putEntity({ uid, attributes: new Map(attributes) })
    }
  }
  for (const [, row] of loaded) if (row) store.putEntity(row)
  for (const [type, { relations }] of program.entityTypes) {
    for (const id of graph.idsNamed(type)) {
      for (const name of relations.keys()) {
        for (const tuple of graph.tuplesOf({ kind: 'entity', type, id }, name)) store.putTuple(tuple)
      }
    }
  }
  return store
}
