import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createSortedIds } from '../../../policy-lang/entities/sorted-ids.ts'
import { compareCodePoints, compileProgram, createEntityStore, type EntityStore } from '../../../policy-lang/index.ts'
import { entity, row, tuple, values } from '../program-kit.ts'

const { program } = compileProgram([
  {
    path: 'p.fbac',
    text: `module p

entity Person {
  friends: Set<Person>
  near?: { whom?: Person }
  relation fan: Person | any Person
}
`,
  },
])
const person = (id: string) => entity('Person', id)
const load = (): EntityStore => {
  if (!program) throw new Error('it does not compile')
  return createEntityStore(program)
}

describe('what the data names (SPEC 8.2)', () => {
  test('rows, both ends of tuples and what attributes mean, however deep; each until nothing names it', () => {
    const store = load()
    store.putEntity(row(person('a'), { friends: values(person('b'), person('c')) }))
    store.putEntity(row(person('d'), { near: { kind: 'record', fields: new Map([['whom', person('e')]]) } }))
    store.putTuple(tuple(person('f'), 'fan', person('g')))
    store.putTuple(tuple({ kind: 'anyOf', type: 'Person' }, 'fan', person('h')))
    expect(store.idsNamed('Person').join('')).toBe('abcdefgh')
    expect(store.idsOf('Person').join('')).toBe('ad')
    store.putEntity(row(person('a'), { friends: values(person('c')) }))
    store.removeEntity(person('d'))
    store.removeTuple(tuple(person('f'), 'fan', person('g')))
    store.removeTuple(tuple({ kind: 'anyOf', type: 'Person' }, 'fan', person('h')))
    expect(store.idsNamed('Person').join('')).toBe('ac')
    expect(store.idsNamed('Nothing')).toEqual([])
  })

  test('after any writes: the store, snapshots of before, and parts of the list agree with what was written', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', '\uffff', '\u{1f600}')
    const write = fc.record({ what: fc.constantFrom('put', 'remove', 'tuple', 'untuple'), id: name, other: name })
    fc.assert(
      fc.property(fc.array(write, { maxLength: 30 }), fc.nat(30), (writes, snapshotAt) => {
        const store = load()
        const rows = new Map<string, string>()
        const tuples = new Set<string>()
        const named = () =>
          [...new Set([...rows.keys(), ...rows.values(), ...[...tuples].flatMap((pair) => pair.split(' '))])].sort(
            compareCodePoints,
          )
        let seen: { readonly before: readonly string[]; readonly view: ReturnType<EntityStore['snapshot']> } | undefined
        for (const [at, { what, id, other }] of writes.entries()) {
          if (at === snapshotAt) seen = { before: named(), view: store.snapshot() }
          if (what === 'put') store.putEntity(row(person(id), { friends: values(person(other)) }))
          if (what === 'put') rows.set(id, other)
          if (what === 'remove') store.removeEntity(person(id))
          if (what === 'remove') rows.delete(id)
          if (what === 'tuple') store.putTuple(tuple(person(id), 'fan', person(other)))
          if (what === 'tuple') tuples.add(`${id} ${other}`)
          if (what === 'untuple') store.removeTuple(tuple(person(id), 'fan', person(other)))
          if (what === 'untuple') tuples.delete(`${id} ${other}`)
          expect(store.idsNamed('Person')).toEqual(named())
          const naming = [...rows].filter(([, friend]) => friend === other).map(([from]) => from)
          expect([...store.naming(person(other), 'Person', 'friends')].map(({ id: from }) => from).sort()).toEqual(
            naming.sort(),
          )
        }
        if (seen) expect(seen.view.idsNamed('Person')).toEqual(seen.before)
        if (seen) expect(seen.view.idsNamed('Person', 'b', 2)).toEqual(seen.before.filter((id) => id > 'b').slice(0, 2))
        expect(store.idsNamed('Person', 'b', 2)).toEqual(
          named()
            .filter((id) => compareCodePoints(id, 'b') > 0)
            .slice(0, 2),
        )
      }),
    )
  })

  test('ids stay in order over many chunks while they come and go', () => {
    const ids = Array.from({ length: 5_000 }, (_, at) => `id-${(at * 7919) % 5_000}`)
    const sorted = createSortedIds(ids.slice(0, 2_000))
    for (const id of ids.slice(2_000)) sorted.add(id)
    for (const id of ids.slice(1_000, 1_500)) sorted.remove(id)
    const left = [...ids.slice(0, 1_000), ...ids.slice(1_500)].sort()
    expect(sorted.after(undefined, 10_000)).toEqual(left)
    expect(sorted.after(left[2_345], 3)).toEqual(left.slice(2_346, 2_349))
    for (const id of left) sorted.remove(id)
    sorted.remove('nobody')
    expect(sorted.after(undefined, 10)).toEqual([])
    sorted.add('again')
    expect(sorted.after(undefined, 10)).toEqual(['again'])
  })
})
