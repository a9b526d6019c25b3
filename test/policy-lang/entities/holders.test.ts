import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createEntityStore, type EntityStore } from '../../../policy-lang/index.ts'
import { entity, entityType, programOf, tuple, user } from '../program-kit.ts'

const program = programOf({
  types: [
    entityType(
      'Box',
      [],
      [
        {
          kind: 'stored',
          name: 'viewer',
          role: false,
          holders: [
            { kind: 'one', type: 'User' },
            { kind: 'one', type: 'Team' },
          ],
        },
      ],
    ),
    entityType('User'),
    entityType('Team', [], [{ kind: 'stored', name: 'member', role: false, holders: [{ kind: 'one', type: 'User' }] }]),
  ],
})
const box = entity('Box', 'b')
const viewers = (store: EntityStore): readonly string[] =>
  [...store.tuplesOf(box, 'viewer')].map((each) => JSON.stringify(each)).sort()

describe('many holders at once (SPEC 8)', () => {
  test('are the same store as one tuple each, in whatever state it was', () => {
    const ids = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 6 })
    fc.assert(
      fc.property(ids, ids, fc.constantFrom('User', 'Team', 'Nobody'), (before, subjectIds, subjectType) => {
        const [each, atOnce] = [createEntityStore(program), createEntityStore(program)]
        for (const store of [each, atOnce]) {
          for (const [at, id] of before.entries()) {
            // Some end: these are more than plain.
            store.putTuple({ ...tuple(user(id), 'viewer', box), ...(at % 2 ? { until: 5 } : {}) })
          }
        }
        const view = atOnce.snapshot()
        const seen = [...view.tuplesOf(box, 'viewer')].length
        for (const id of subjectIds) each.putTuple(tuple(entity(subjectType, id), 'viewer', box))
        expect(atOnce.putHolders({ resource: box, relation: 'viewer', subjectType, subjectIds })).toEqual([])
        expect(viewers(atOnce)).toEqual(viewers(each))
        expect(atOnce.size).toEqual(each.size)
        expect(atOnce.idsNamed(subjectType)).toEqual(each.idsNamed(subjectType))
        // Who looked before sees what was.
        expect([...view.tuplesOf(box, 'viewer')]).toHaveLength(seen)
      }),
    )
  })

  test('a resource of an unknown type is refused, and nothing is kept', () => {
    const store = createEntityStore(program)
    const holders = { resource: entity('Nope', 'x'), relation: 'viewer', subjectType: 'User', subjectIds: ['a'] }
    expect(store.putHolders(holders)).toMatchObject([{ code: 'unknown-type' }])
    expect(store.size).toMatchObject({ tuples: 0 })
  })

  test('what a store weighs grows with what it holds and falls when that goes', () => {
    const store = createEntityStore(program)
    const empty = store.size.bytes
    store.putHolders({
      resource: box,
      relation: 'viewer',
      subjectType: 'User',
      subjectIds: Array.from({ length: 1000 }, (_, at) => `user-${at}`),
    })
    const full = store.size.bytes
    expect(full).toBeGreaterThan(empty + 1000 * 300)
    store.putTuple({ ...tuple(user('user-1'), 'viewer', box), until: 5 })
    expect(store.size.bytes).toBe(full + 400)
    store.removeTuple(tuple(user('user-1'), 'viewer', box))
    expect(store.size.bytes).toBe(full)
  })
})
