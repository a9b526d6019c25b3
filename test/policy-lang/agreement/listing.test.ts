import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  createEntityStore,
  createEvaluator,
  createLister,
  type Evaluator,
  type Facts,
  interpret,
  type Listed,
  type Lister,
  listPage,
  listResources,
  type Program,
} from '../../../policy-lang/index.ts'
import { entity } from '../program-kit.ts'
import { propertyRuns } from '../properties/runs.ts'
import {
  anyRules,
  anyWorld,
  documents,
  fillStore,
  schemaProgram,
  subjects,
  type World,
  withRules,
} from './generated.ts'

const now = 1000
const runs = propertyRuns('lists and checks', 300)
const optionsOf = (world: World) => ({ now, externs: () => world.risk })

type Case = Pick<Listed, 'side' | 'request'>
const casesOf = (world: World): readonly Case[] => [
  ...subjects.flatMap((subject) =>
    ['read', 'edit'].map((action): Case => {
      const resource = entity('Document', '')
      return { side: 'resource', request: { subject, action, resource, context: world.context } }
    }),
  ),
  ...documents.flatMap((resource) =>
    ['read', 'edit'].map((action): Case => {
      const subject = entity('Person', '')
      return { side: 'subject', request: { subject, action, resource, context: world.context } }
    }),
  ),
]

/** Every id that data, rules or the request name, checked one by one by the reference interpreter. */
function bruteForce(program: Program, world: World, facts: Facts, { side, request }: Case): readonly string[] {
  const { type } = request[side]
  const who = world.context.get('who')
  const stranger = typeof who === 'object' && who.kind === 'entity' && who.id === 'nobody' ? ['nobody'] : []
  const ids = type === 'Document' ? documents.map(({ id }) => id) : [...stranger, 'u0', 'u1', 'u2']
  return ids.filter(
    (id) => interpret(program, facts, { ...request, [side]: entity(type, id) }, optionsOf(world)).decision,
  )
}

type Engine = { readonly lister: Lister; readonly decide: Evaluator['decide'] }
type Size = { readonly limit: number; readonly checks: number }

function pagesOf({ lister, decide }: Engine, listed: Listed, size: Size) {
  const ids: string[] = []
  let after: string | undefined
  for (let page = 0; page < 50; page += 1) {
    const found = listPage(lister, { ...listed, decide }, { after, ...size })
    expect(found.ids.length).toBeLessThanOrEqual(size.limit)
    ids.push(...found.ids)
    after = found.next
    if (after === undefined) return ids
  }
  throw new Error('the list does not end')
}

describe('listing equals the set of allowed checks (SPEC 8.2)', () => {
  test.each([
    { limit: 1, checks: 2 },
    { limit: 2, checks: 100 },
  ])('over generated programs and data, by pages of %j, narrowed and not', (size) => {
    fc.assert(
      fc.property(anyRules, anyWorld, (rules, world) => {
        const program = withRules(rules)
        const store = createEntityStore(schemaProgram)
        fillStore(store, world)
        const over = store.overlay(world.overEntities, [])
        const engine = { lister: createLister(program), decide: createEvaluator(program).decide }
        for (const each of casesOf(world)) {
          const options = optionsOf(world)
          const wanted = bruteForce(program, world, store, each)
          expect(pagesOf(engine, { ...each, options, facts: store, store }, size)).toEqual(wanted)
          expect(pagesOf(engine, { ...each, options, facts: store.snapshot() }, size)).toEqual(wanted)
          const given = world.overEntities
          const wantedOver = bruteForce(program, world, over, each)
          expect(pagesOf(engine, { ...each, options, facts: over, store, given }, size)).toEqual(wantedOver)
        }
      }),
      runs,
    )
  })

  test('whole lists say the same', () => {
    fc.assert(
      fc.property(anyRules, anyWorld, (rules, world) => {
        const program = withRules(rules)
        const store = createEntityStore(schemaProgram)
        fillStore(store, world)
        for (const each of casesOf(world)) {
          if (each.side === 'subject') continue
          const { subject, action, context } = each.request
          const question = { facts: store, context, options: optionsOf(world), subject, action, type: 'Document' }
          expect(listResources(program, question)).toEqual(bruteForce(program, world, store, each))
        }
      }),
      { ...runs, numRuns: runs.numRuns / 3 },
    )
  })
})
