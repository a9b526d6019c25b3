import fc from 'fast-check'
import { actionKey, compileProgram, type EntityStore } from '../../../policy-lang/index.ts'
import type { EntityValue, Expr, Value } from '../../../policy-lang/ir/nodes.ts'
import type { EntityData, Program, Rule, Tuple } from '../../../policy-lang/ir/program.ts'
import {
  and,
  bool,
  call,
  choose,
  compare,
  context,
  entity,
  entityOf,
  extern,
  get,
  has,
  holds,
  int,
  isIn,
  isType,
  literal,
  not,
  or,
  resource,
  row,
  rule,
  setOf,
  span,
  subject,
  text,
  time,
  tuple,
} from '../program-kit.ts'
import { wideAttributes, wideCondition, wideLabels, wideValues } from './generated-wide.ts'

// Random rules over a fixed schema, random data with holes in it, random requests.

const schema = `module generated

import Organization from "writ:identity"

type Level = "low" < "middle" < "high"

entity Crew {
  relation member: Person | Crew
}
entity Person in Set<Crew> {
  level: Level
  age: Int
  manager?: Person
}
entity Folder {
  up?: Folder
  owner: Person
  relation viewer: Person | Crew | any Person
  relation canView = viewer or owner or up.canView
  role warden: Person
}
entity Document in folder: Folder {
  owner: Person
  hold: Bool
  size: Int
  label: String
  labels: Set<String>
  expires?: Time
  readers: Set<Person>
  place?: { city: String, zip?: String }
${wideAttributes}  relation viewer: Person | Person if open | Crew | anyone
  relation blocked: Person | Crew.member
  relation canView = (viewer or owner or folder.canView) minus blocked
  relation everyOwner = all readers.manager
}
fn open(door: String, at?: Time): Bool = door == "open" and (at ?? context.now) <= context.now
extern fn risk(user: Person): Int within 50ms else 60
action read on Document by anyone with { n?: Int, m: Int, who?: Person, door?: String }
action edit on Document by Person with { n?: Int, m: Int, who?: Person, door?: String } implies read
`

const compiled = compileProgram([{ path: 'generated.fbac', text: schema }])
if (!compiled.program) throw new Error(JSON.stringify(compiled.diagnostics))
export const schemaProgram: Program = compiled.program

const users = ['u0', 'u1', 'u2'].map((id) => entity('Person', id))
const groups = ['g0', 'g1', 'g2'].map((id) => entity('Crew', id))
const folders = ['f0', 'f1', 'f2'].map((id) => entity('Folder', id))
export const documents = ['d0', 'd1', 'd2'].map((id) => entity('Document', id))
const labels = [...new Set(['b', ...wideLabels])]
const numbers: readonly Value[] = [
  -1,
  0,
  1,
  5,
  9_007_199_254_740_991,
  9_223_372_036_854_775_807n,
  -9_223_372_036_854_775_808n,
]
const levels = { kind: 'enum', values: ['low', 'middle', 'high'], ordered: true } as const

const oneOf = <Item>(items: readonly Item[]): fc.Arbitrary<Item> => fc.constantFrom(...items)

const ownerOf = get(resource, 'owner', entityOf('Person'))
const folderOf = get(resource, 'folder', entityOf('Folder'))
const manager = get(subject, 'manager', entityOf('Person'), true)
const who = get(context, 'who', entityOf('Person'), true)
const place = get(
  resource,
  'place',
  { kind: 'record', fields: { city: { type: text, optional: false }, zip: { type: text, optional: true } } },
  true,
)
const people = oneOf<Expr>([
  subject,
  ownerOf,
  who,
  manager,
  get(ownerOf, 'manager', entityOf('Person'), true),
  literal(entity('Person', 'u0'), entityOf('Person')),
])
const sure = oneOf<Expr>([subject, ownerOf, literal(entity('Person', 'u1'), entityOf('Person'))])
const textual = oneOf<Expr>([get(resource, 'label', text), literal('a', text), literal('\uffff', text)])

const { condition } = fc.letrec<{ number: Expr; condition: Expr }>((tie) => ({
  number: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    oneOf<Expr>([
      get(resource, 'size', int),
      get(subject, 'age', int),
      get(context, 'm', int),
      get(ownerOf, 'age', int),
    ]),
    oneOf(numbers).map((value) => literal(value, int)),
    fc
      .tuple(oneOf(['add', 'subtract', 'multiply']), tie('number'), tie('number'))
      .map(([name, a, b]) => call(name, int, a, b)),
    fc.constant(extern('risk', int, subject)),
    fc
      .tuple(tie('number'), fc.constant(get(context, 'n', int, true)))
      .map(([right, left]): Expr => ({ kind: 'coalesce', type: int, span, left, right })),
    tie('number').map((operand): Expr => ({ kind: 'attempt', type: int, span, operand, otherwise: literal(0, int) })),
  ),
  condition: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    { arbitrary: wideCondition, weight: 8 },
    oneOf<Expr>([get(resource, 'hold', bool), has(manager), has(who), has(place), literal(true), literal(false)]),
    fc.tuple(oneOf(['eq', 'lt', 'le'] as const), tie('number'), tie('number')).map(([op, a, b]) => compare(op, a, b)),
    fc.tuple(people, people).map(([a, b]) => compare('eq', a, b)),
    fc.tuple(oneOf(['eq', 'lt', 'le'] as const), textual, textual).map(([op, a, b]) => compare(op, a, b)),
    oneOf(labels).map((label) => compare('eq', get(resource, 'label', text), literal(label, text))),
    oneOf(levels.values).map((level) => compare('le', get(subject, 'level', levels), literal(level, levels))),
    oneOf(labels).map((label) => isIn('set', literal(label, text), get(resource, 'labels', setOf(text)))),
    people.map((person) => isIn('set', person, get(resource, 'readers', setOf(entityOf('Person'))))),
    fc
      .tuple(people, oneOf(groups))
      .map(([person, group]) => isIn('hierarchy', person, literal(group, entityOf('Crew')))),
    oneOf(folders).map((folder) => isIn('hierarchy', resource, literal(folder, entityOf('Folder')))),
    fc
      .tuple(people, oneOf(['viewer', 'blocked', 'canView', 'owner', 'readers', 'everyOwner']))
      .map(([person, relation]) => holds(person, relation, resource)),
    fc
      .tuple(sure, oneOf(['viewer', 'canView', 'owner']))
      .map(([person, relation]) => holds(person, relation, folderOf)),
    people.map((person) => isType(person, 'Person')),
    people.map(
      (person): Expr =>
        compare(
          'eq',
          {
            kind: 'attribute',
            of: person,
            name: 'manager',
            type: entityOf('Person'),
            span,
            optional: true,
            safe: true,
          },
          subject,
        ),
    ),
    fc.constant(
      compare(
        'eq',
        { kind: 'attribute', of: place, name: 'city', type: text, span, optional: true, safe: true },
        literal('x', text),
      ),
    ),
    fc.constant(
      and(
        has(get(resource, 'expires', time, true)),
        compare('le', get(resource, 'expires', time), get(context, 'now', time)),
      ),
    ),
    fc.array(tie('condition'), { maxLength: 3 }).map((operands) => and(...operands)),
    fc.array(tie('condition'), { maxLength: 3 }).map((operands) => or(...operands)),
    tie('condition').map(not),
    fc.tuple(tie('condition'), tie('condition'), tie('condition')).map(([test, yes, no]) => choose(test, yes, no)),
    fc
      .tuple(
        oneOf(['any', 'all'] as const),
        oneOf<Expr>([
          compare('eq', variable('x'), subject),
          compare('lt', get(variable('x'), 'age', int), literal(2, int)),
          holds(variable('x'), 'viewer', resource),
        ]),
      )
      .map(
        ([quantifier, body]): Expr => ({
          kind: 'quantifier',
          type: bool,
          span,
          quantifier,
          variable: 'x',
          over: get(resource, 'readers', setOf(entityOf('Person'))),
          body,
        }),
      ),
    fc.tuple(tie('number'), tie('condition')).map(
      ([value, other]): Expr => ({
        kind: 'let',
        type: bool,
        span,
        name: 'y',
        value,
        optional: false,
        body: or(
          compare('eq', { kind: 'variable', name: 'y', scope: 'local', type: int, span }, literal(0, int)),
          other,
        ),
      }),
    ),
  ),
}))

function variable(name: string): Expr {
  return { kind: 'variable', name, scope: 'local', type: entityOf('Person'), span }
}

const fields = oneOf<Rule['fields']>([
  undefined,
  undefined,
  { Document: ['label'] },
  { Document: ['place.city', 'owner'] },
  { Document: ['place', 'label', 'hold'] },
])
export const anyRule = (id: string): fc.Arbitrary<Rule> =>
  fc
    .record({
      effect: oneOf(['allow', 'allow', 'deny'] as const),
      condition,
      fields,
      layer: oneOf(['tenant', 'module'] as const),
      sealed: oneOf([false, false, false, true]),
      advised: fc.boolean(),
    })
    .map(({ effect, condition: when, fields: shown, layer, sealed, advised }) =>
      rule(id, effect, when, {
        layer,
        sealed: sealed && layer === 'module',
        ...(shown && { fields: shown }),
        ...(advised && effect === 'deny' && { advise: [{ name: 'captcha', args: {} }] }),
      }),
    )
export const anyRules: fc.Arbitrary<readonly Rule[]> = fc
  .integer({ min: 1, max: 6 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => anyRule(`r${index}`))))

/** `edit` implies `read`: allows flow down, denies flow up (SPEC 3). */
export function withRules(rules: readonly Rule[]): Program {
  const sorted = [...rules].sort((a, b) => (a.id < b.id ? -1 : 1))
  const entries = (as: string) => sorted.map((_, index) => ({ rule: index, as }))
  return {
    ...schemaProgram,
    rules: sorted,
    partitions: new Map([
      [
        actionKey('read', 'Document'),
        [...entries('read'), ...entries('edit').filter(({ rule: at }) => sorted[at]?.effect === 'allow')],
      ],
      [
        actionKey('edit', 'Document'),
        [...entries('edit'), ...entries('read').filter(({ rule: at }) => sorted[at]?.effect === 'deny')],
      ],
    ]),
  }
}

const maybe = <Item>(arbitrary: fc.Arbitrary<Item>): fc.Arbitrary<Item | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 4 })
const asSet = (items: readonly Value[]): Value => ({ kind: 'set', items })

const rowOf = (
  uid: EntityValue,
  parts: { readonly [name: string]: fc.Arbitrary<Value | undefined> },
): fc.Arbitrary<EntityData> =>
  fc
    .record(parts)
    .map((values) =>
      row(
        uid,
        Object.fromEntries(
          Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
        ),
      ),
    )

const anyEntities: fc.Arbitrary<readonly EntityData[]> = fc.tuple(
  ...groups.map((uid) => fc.constant(row(uid))),
  ...users.map((uid) =>
    rowOf(uid, {
      level: maybe(oneOf(levels.values)),
      age: maybe(oneOf(numbers)),
      manager: maybe(oneOf(users)),
      crew: maybe(fc.subarray(groups).map(asSet)),
    }),
  ),
  ...folders.map((uid, index) =>
    rowOf(uid, {
      up: index === 0 ? fc.constant(undefined) : maybe(oneOf(folders.slice(0, index))),
      owner: maybe(oneOf(users)),
    }),
  ),
  ...documents.map((uid) =>
    rowOf(uid, {
      owner: maybe(oneOf(users)),
      folder: maybe(oneOf(folders)),
      hold: maybe(fc.boolean()),
      size: maybe(oneOf(numbers)),
      label: maybe(oneOf(labels)),
      labels: maybe(fc.subarray(labels).map(asSet)),
      expires: maybe(oneOf([999, 1000, 1001])),
      readers: maybe(fc.subarray(users).map(asSet)),
      place: maybe(
        oneOf<Value>([
          { kind: 'record', fields: new Map() },
          { kind: 'record', fields: new Map([['city', 'x']]) },
        ]),
      ),
      ...Object.fromEntries(Object.entries(wideValues).map(([name, values]) => [name, maybe(values)])),
    }),
  ),
)

const until = fc.option(oneOf([1000, 1001]), { nil: undefined, freq: 2 })
const tupleCondition = oneOf<Tuple['condition']>([
  undefined,
  undefined,
  { name: 'open', context: new Map([['door', 'open']]) },
  { name: 'open', context: new Map() },
])
const anyTuple: fc.Arbitrary<Tuple> = fc.oneof(
  fc.tuple(oneOf([...users, ...groups]), oneOf(groups)).map(([who_, group]) => tuple(who_, 'member', group)),
  fc
    .tuple(oneOf([...users, ...groups]), oneOf([...folders, ...documents]), until)
    .map(([holder, at, end]) => tuple(holder, 'viewer', at, end === undefined ? {} : { until: end })),
  fc
    .tuple(oneOf(users), oneOf(documents), tupleCondition)
    .map(([holder, at, when]) => tuple(holder, 'viewer', at, when ? { condition: when } : {})),
  fc
    .tuple(oneOf(groups), oneOf(documents))
    .map(([group, at]) => tuple({ kind: 'one', entity: group, relation: 'member' }, 'blocked', at)),
  fc.tuple(oneOf(users), oneOf(documents)).map(([holder, at]) => tuple(holder, 'blocked', at)),
  fc.tuple(oneOf(users), oneOf(['warden', 'auditor']), oneOf(folders)).map(([who_, role, at]) => tuple(who_, role, at)),
  oneOf(documents).map((at) => tuple({ kind: 'anyone' }, 'viewer', at)),
  oneOf(folders).map((at) => tuple({ kind: 'anyOf', type: 'Person' }, 'viewer', at)),
)

export type World = {
  readonly entities: readonly EntityData[]
  readonly tuples: readonly Tuple[]
  readonly overEntities: readonly EntityData[]
  readonly overTuples: readonly Tuple[]
  readonly risk: number | undefined
  /** What stored roles permit; `auditor` is one that no policy declares. */
  readonly permissions: readonly { readonly role: string; readonly action: string }[]
  readonly context: ReadonlyMap<string, Value>
}
/** Everything of a world but what lies over it. */
export function fillStore(store: EntityStore, world: World): void {
  for (const each of world.entities) store.putEntity(each)
  for (const each of world.tuples) store.putTuple(each)
  putPermissions(store, world)
}

export function putPermissions(store: EntityStore, { permissions }: Pick<World, 'permissions'>): void {
  for (const role of ['warden', 'auditor']) {
    const own = permissions.filter((each) => each.role === role)
    store.putRolePermissions(
      'Folder',
      role,
      own.map(({ action }) => ({ action, resourceType: 'Document' })),
    )
  }
}

/** A store keeps one tuple for each (resource, relation, subject). */
const some = (maxLength: number) =>
  fc.uniqueArray(anyTuple, {
    maxLength,
    selector: ({ resource: at, relation, subject: holder }) => JSON.stringify([at, relation, holder]),
  })
export const anyWorld: fc.Arbitrary<World> = fc.record({
  entities: anyEntities,
  tuples: some(12),
  overEntities: anyEntities.chain((rows) => fc.subarray([...rows], { maxLength: 2 })),
  overTuples: some(3),
  risk: oneOf([undefined, 10, 90]),
  permissions: fc.subarray([
    { role: 'warden', action: 'read' },
    { role: 'auditor', action: 'read' },
    { role: 'auditor', action: 'edit' },
  ]),
  context: fc
    .record({
      n: maybe(oneOf(numbers)),
      m: maybe(oneOf(numbers)),
      who: maybe(oneOf([...users, entity('Person', 'nobody')])),
      door: maybe(oneOf(['open', 'shut'])),
    })
    .map(
      (values) =>
        new Map(
          Object.entries(values).flatMap(([name, value]): [string, Value][] =>
            value === undefined ? [] : [[name, value]],
          ),
        ),
    ),
})
export const subjects = [...users, entity('Person', 'nobody'), entity('Anonymous', '')]
