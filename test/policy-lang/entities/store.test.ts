import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createEntityStore } from '../../../policy-lang/index.ts'
import {
  attribute,
  bool,
  entity,
  entityOf,
  entityType,
  programOf,
  row,
  setOf,
  tuple,
  user,
  values,
} from '../program-kit.ts'

const program = programOf({
  types: [
    entityType(
      'Box',
      [
        attribute('up', setOf(entityOf('Box')), { link: true, optional: true }),
        attribute('flag', bool, { optional: true }),
      ],
      [{ kind: 'stored', name: 'viewer', role: false, holders: [{ kind: 'one', type: 'User' }] }],
    ),
    entityType('User'),
  ],
})
const box = (id: string) => entity('Box', id)
const boxIn = (id: string, ...above: string[]) => row(box(id), { up: values(...above.map(box)) })

describe('links (SPEC 3, 8)', () => {
  test('`in` is reflexive and transitive, and follows edges that come and go', () => {
    const store = createEntityStore(program)
    store.putEntity(boxIn('c', 'b'))
    store.putEntity(boxIn('b', 'a'))
    expect(store.isWithin(box('c'), box('c'))).toBe(true)
    expect(store.isWithin(box('c'), box('a'))).toBe(true)
    expect(store.isWithin(box('a'), box('c'))).toBe(false)
    store.putEntity(boxIn('b'))
    expect(store.isWithin(box('c'), box('a'))).toBe(false)
    store.putEntity(boxIn('b', 'x', 'a'))
    store.removeEntity(box('b'))
    expect(store.isWithin(box('c'), box('a'))).toBe(false)
    expect(store.isWithin(box('c'), box('b'))).toBe(true)
  })

  test('a cycle is refused, and the store stays as it was', () => {
    const store = createEntityStore(program)
    store.putEntity(boxIn('b', 'a'))
    store.putEntity(boxIn('c', 'b'))
    expect(store.putEntity(boxIn('a', 'c'))).toMatchObject([{ code: 'link-cycle', entity: box('a') }])
    expect(store.putEntity(boxIn('d', 'd'))).toMatchObject([{ code: 'link-cycle' }])
    expect(store.isWithin(box('a'), box('c'))).toBe(false)
    expect(store.idsOf('Box')).toEqual(['b', 'c'])
  })

  test('closures after any writes are those of the links that are left', () => {
    const name = fc.constantFrom('0', '1', '2', '3', '4', '5')
    const write = fc.record({ id: name, up: fc.uniqueArray(name, { maxLength: 3 }), remove: fc.boolean() })
    fc.assert(
      fc.property(fc.array(write, { maxLength: 25 }), (writes) => {
        const store = createEntityStore(program)
        const links = new Map<string, readonly string[]>()
        const reaches = (from: string, to: string): boolean =>
          from === to || (links.get(from) ?? []).some((next) => reaches(next, to))
        for (const { id, up, remove } of writes) {
          const isCycle = up.some((next) => reaches(next, id))
          if (remove) store.removeEntity(box(id))
          else expect(store.putEntity(boxIn(id, ...up)).length).toBe(isCycle ? 1 : 0)
          if (remove) links.delete(id)
          else if (!isCycle) links.set(id, up)
        }
        for (const a of '012345') for (const b of '012345') expect(store.isWithin(box(a), box(b))).toBe(reaches(a, b))
      }),
    )
  })
})

describe('values and tuples (SPEC 8)', () => {
  test('a value of another type counts as missing, an undeclared one is never read', () => {
    const store = createEntityStore(program)
    store.putEntity(row(box('a'), { flag: 'yes', other: 1 }))
    expect(store.attribute(box('a'), 'flag')).toBeUndefined()
    expect(store.attribute(box('a'), 'other')).toBeUndefined()
    store.putEntity(row(box('a'), { flag: true }))
    expect(store.attribute(box('a'), 'flag')).toBe(true)
  })

  test('an entity of an unknown type is refused', () => {
    const store = createEntityStore(program)
    expect(store.putEntity(row(entity('Nope', 'x')))).toMatchObject([{ code: 'unknown-type' }])
    expect(store.putTuple(tuple(user('u'), 'viewer', entity('Nope', 'x')))).toMatchObject([{ code: 'unknown-type' }])
    expect(store.size).toMatchObject({ entities: 0, tuples: 0 })
  })

  test('one tuple for each subject: a later one replaces, both sides find it', () => {
    const store = createEntityStore(program)
    for (let at = 0; at < 20; at += 1) store.putTuple(tuple(user(`u${at}`), 'viewer', box('a')))
    store.putTuple(tuple(user('u3'), 'viewer', box('a'), { until: 7 }))
    expect([...store.tuplesOf(box('a'), 'viewer')].filter(({ until }) => until === 7)).toHaveLength(1)
    expect(store.size.tuples).toBe(20)
    expect([...store.tuplesHeldBy(user('u3'))]).toMatchObject([{ until: 7 }])
    store.removeTuple(tuple(user('u3'), 'viewer', box('a')))
    expect([...store.tuplesHeldBy(user('u3'))]).toEqual([])
    expect([...store.tuplesOf(box('a'), 'viewer')]).toHaveLength(19)
  })

  test('ids are listed by code point and only of entities that exist', () => {
    const store = createEntityStore(program)
    for (const id of ['\u{1f600}', '\uffff', 'b', '']) store.putEntity(row(box(id)))
    store.putTuple(tuple(user('u'), 'viewer', box('mentioned')))
    expect(store.idsOf('Box')).toEqual(['', 'b', '\uffff', '\u{1f600}'])
  })
})

describe('views (SPEC 8)', () => {
  test('a snapshot keeps what was, for entities, links and tuples', () => {
    const store = createEntityStore(program)
    store.putEntity(boxIn('b', 'a'))
    store.putTuple(tuple(user('u'), 'viewer', box('b')))
    const before = store.snapshot()
    store.putEntity(boxIn('b'))
    store.putEntity(boxIn('new', 'b'))
    store.removeTuple(tuple(user('u'), 'viewer', box('b')))
    expect(before.isWithin(box('b'), box('a'))).toBe(true)
    expect(before.idsOf('Box')).toEqual(['b'])
    expect([...before.tuplesOf(box('b'), 'viewer')]).toHaveLength(1)
    expect(store.isWithin(box('b'), box('a'))).toBe(false)
    expect([...store.snapshot().tuplesOf(box('b'), 'viewer')]).toEqual([])
  })

  test('an overlay replaces entities, adds tuples, reshapes links, and leaves the base alone', () => {
    const store = createEntityStore(program)
    store.putEntity(boxIn('a'))
    store.putEntity(boxIn('b', 'a'))
    store.putEntity(boxIn('c', 'b'))
    const over = store.overlay([boxIn('b', 'z'), boxIn('new', 'c')], [tuple(user('u'), 'viewer', box('c'))])
    expect(over.isWithin(box('c'), box('z'))).toBe(true)
    expect(over.isWithin(box('c'), box('a'))).toBe(false)
    expect(over.isWithin(box('new'), box('z'))).toBe(true)
    expect(over.idsOf('Box')).toEqual(['a', 'b', 'c', 'new'])
    expect([...over.tuplesOf(box('c'), 'viewer')]).toHaveLength(1)
    expect(store.isWithin(box('c'), box('a'))).toBe(true)
    expect([...store.tuplesOf(box('c'), 'viewer')]).toEqual([])
    expect(store.idsOf('Box')).toEqual(['a', 'b', 'c'])
  })

  test('permissions of roles are found by action and resource type, and by what a snapshot saw', () => {
    const store = createEntityStore(program)
    store.putRolePermissions('Box', 'clerk', [{ action: 'read', resourceType: 'Box' }])
    const before = store.snapshot()
    store.putRolePermissions('Box', 'clerk', [])
    expect(before.permittingRoles('Box', 'read', 'Box')).toEqual(['clerk'])
    expect(store.permittingRoles('Box', 'read', 'Box')).toEqual([])
    expect(before.permittingRoles('Box', 'edit', 'Box')).toEqual([])
  })
})
