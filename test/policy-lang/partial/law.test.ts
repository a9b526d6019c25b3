import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createEntityStore, type Facts, interpret, type Request, type Value } from '../../../policy-lang/index.ts'
import { completeResidual } from '../../../policy-lang/partial/complete.ts'
import { type PartialQuestion, partialEvaluate } from '../../../policy-lang/partial/partial-evaluate.ts'
import {
  anyRules,
  anyWorld,
  documents,
  fillStore,
  schemaProgram,
  subjects,
  type World,
  withRules,
} from '../agreement/generated.ts'
import { entity } from '../program-kit.ts'
import { propertyRuns } from '../properties/runs.ts'

const now = 1000
const runs = propertyRuns('partial evaluation', 300)

type Hidden = {
  readonly subject: 'known' | 'typed' | 'hidden'
  readonly resource: 'known' | 'partly' | 'typed' | 'hidden'
  readonly action: boolean
  readonly context: 'all' | readonly string[]
}
const seen = fc.constantFrom('known' as const, 'typed' as const, 'hidden' as const)
const anyHidden: fc.Arbitrary<Hidden> = fc.record({
  subject: seen,
  resource: fc.oneof(seen, fc.constant('partly' as const)),
  action: fc.boolean(),
  context: fc.oneof(fc.constant('all' as const), fc.subarray(['n', 'm', 'who', 'door', 'scopes'])),
})

/** What every row of a list has that is asked about: of links and attributes some. */
const knownOf = (resource: Request['resource'], facts: Facts): ReadonlyMap<string, Value> =>
  new Map(
    ['folder', 'owner', 'size', 'spot', 'labels'].flatMap((name): [string, Value][] => {
      const value = facts.attribute(resource, name)
      return value === undefined ? [] : [[name, value]]
    }),
  )

/** The request without what is hidden. */
function questionOf({ subject, action, resource, context }: Request, hidden: Hidden, facts: Facts): PartialQuestion {
  const without = (known: Request['subject'], how: Hidden['subject']): PartialQuestion['subject'] =>
    how === 'known' ? known : how === 'typed' ? { kind: 'unknown', type: known.type } : { kind: 'unknown' }
  const isHidden = (name: string) => hidden.context === 'all' || hidden.context.includes(name)
  return {
    subject: without(subject, hidden.subject),
    action: hidden.action ? undefined : action,
    resource:
      hidden.resource === 'partly'
        ? { kind: 'unknown', type: resource.type, known: knownOf(resource, facts) }
        : without(resource, hidden.resource),
    context: new Map([...context].filter(([name]) => !isHidden(name))),
    unknownContext: hidden.context,
  }
}

function factsOf(world: World): Facts {
  const store = createEntityStore(schemaProgram)
  fillStore(store, world)
  return store
}

describe('partial evaluation', () => {
  test('then filling in the unknown says what evaluating whole says: decision, reasons, errors, fields (SPEC 7.6)', () => {
    fc.assert(
      fc.property(anyRules, anyWorld, anyHidden, (rules, world, hidden) => {
        const program = withRules(rules)
        const facts = factsOf(world)
        const options = { now, externs: () => world.risk }
        for (const subject of subjects) {
          for (const resource of [...documents.slice(0, 2), entity('Document', 'nowhere')]) {
            for (const action of ['read', 'edit']) {
              const request = { subject, action, resource, context: world.context }
              const residual = partialEvaluate(program, facts, questionOf(request, hidden, facts), options)
              if (residual === 'limit') throw new Error('no limit is near')
              const wanted = interpret(program, facts, request, options)
              expect(completeResidual(program, residual, { facts, request, options })).toEqual(wanted)
            }
          }
        }
      }),
      runs,
    )
  })

  test('with nothing unknown every condition is settled (SPEC 7.6)', () => {
    fc.assert(
      fc.property(anyRules, anyWorld, (rules, world) => {
        const program = withRules(rules)
        const question = {
          subject: entity('Person', 'u0'),
          action: 'read',
          resource: entity('Document', 'd0'),
          context: world.context,
        }
        const residual = partialEvaluate(program, factsOf(world), question, { now, externs: () => world.risk })
        if (residual === 'limit') throw new Error('no limit is near')
        for (const { entries } of residual.branches.flatMap(({ rules: left }) => left)) {
          for (const { outcome } of entries) expect(outcome).toBeDefined()
        }
      }),
      { numRuns: 50 },
    )
  })
})
