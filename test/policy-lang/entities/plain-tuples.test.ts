import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createPlainTuples } from '../../../policy-lang/entities/plain-tuples.ts'
import { createEntityStore } from '../../../policy-lang/index.ts'
import { entity, entityType, programOf, tuple, user } from '../program-kit.ts'

const small = fc.integer({ min: 0, max: 5 })
const wide = fc.integer({ min: 0, max: 40 })
const write = fc.record({
  relation: fc.integer({ min: 0, max: 1 }),
  resource: small,
  subject: wide,
  remove: fc.boolean(),
})

describe('plain tuples (SPEC 8)', () => {
  test('after any writes they are those that were added and not removed, from both sides, in order', () => {
    fc.assert(
      fc.property(fc.array(write, { maxLength: 300 }), (writes) => {
        const table = createPlainTuples()
        const model = new Map<string, readonly [number, number, number]>()
        for (const { relation, resource, subject, remove } of writes) {
          const key = `${relation} ${resource} ${subject}`
          if (remove) expect(table.remove(relation, resource, subject)).toBe(model.delete(key))
          else {
            expect(table.add(relation, resource, subject)).toBe(!model.has(key))
            if (!model.has(key)) model.set(key, [relation, resource, subject])
          }
        }
        const left = [...model.values()]
        expect(table.count).toBe(left.length)
        for (const relation of [0, 1]) {
          for (let resource = 0; resource <= 5; resource += 1) {
            const holders = left.filter(([r, o]) => r === relation && o === resource).map(([, , s]) => s)
            expect(table.holders(relation, resource)).toEqual(holders)
            for (let subject = 0; subject <= 40; subject += 1) {
              expect(table.has(relation, resource, subject)).toBe(holders.includes(subject))
            }
          }
        }
        for (let subject = 0; subject <= 40; subject += 1) {
          const held: (readonly [number, number])[] = []
          table.heldBy(subject, (relation, resource) => held.push([relation, resource]))
          expect(held).toEqual(left.filter(([, , s]) => s === subject).map(([r, o]) => [r, o]))
        }
      }),
    )
  })

  test('more of them than a block holds are all found, and gone once removed', () => {
    const table = createPlainTuples()
    const count = 70_000
    for (let at = 0; at < count; at += 1) table.add(0, at % 100, at)
    for (let at = 0; at < count; at += 1) {
      if (!table.has(0, at % 100, at) || table.has(0, (at + 1) % 100, at)) throw new Error(`${at} is not found rightly`)
    }
    expect(table.holders(0, 7)).toHaveLength(700)
    for (let at = 0; at < count; at += 2) table.remove(0, at % 100, at)
    expect([table.count, table.holders(0, 6).length, table.holders(0, 7).length]).toEqual([35_000, 0, 700])
  })

  test('snapshots keep the tuples that they saw, whatever comes and goes, plain or with an end', () => {
    const program = programOf({
      types: [
        entityType(
          'Box',
          [],
          [{ kind: 'stored', name: 'viewer', role: false, holders: [{ kind: 'one', type: 'User' }] }],
        ),
        entityType('User'),
      ],
    })
    const step = fc.record({
      subject: fc.constantFrom('a', 'b', 'c'),
      resource: fc.constantFrom('x', 'y'),
      what: fc.constantFrom('put', 'end', 'remove', 'look'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const store = createEntityStore(program)
        const model = new Map<string, number | undefined>()
        const of = (facts: Pick<typeof store, 'tuplesOf'>): string[] =>
          ['x', 'y']
            .flatMap((id) =>
              [...facts.tuplesOf(entity('Box', id), 'viewer')].map(
                ({ subject, until }) => `${id} ${subject.kind === 'one' ? subject.entity.id : ''} ${until}`,
              ),
            )
            .sort()
        const modelled = (): string[] => [...model].map(([key, until]) => `${key} ${until}`).sort()
        const seen: { readonly view: ReturnType<typeof store.snapshot>; readonly was: readonly string[] }[] = []
        for (const { subject, resource, what } of steps) {
          const [key, plain] = [`${resource} ${subject}`, tuple(user(subject), 'viewer', entity('Box', resource))]
          if (what === 'look') seen.push({ view: store.snapshot(), was: modelled() })
          else if (what === 'remove') {
            store.removeTuple(plain)
            model.delete(key)
          } else {
            store.putTuple(what === 'end' ? { ...plain, until: 7 } : plain)
            model.set(key, what === 'end' ? 7 : undefined)
          }
        }
        expect(of(store)).toEqual(modelled())
        expect(store.size.tuples).toBe(model.size)
        for (const { view, was } of seen) expect(of(view)).toEqual(was)
      }),
    )
  })
})
