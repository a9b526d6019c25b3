import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createEntityStore, createEvaluator, interpret } from '../../../policy-lang/index.ts'
import { entity } from '../program-kit.ts'
import { patienceFor, propertyRuns } from '../properties/runs.ts'
import { onlyDeclared } from './declared-facts.ts'
import {
  anyRules,
  anyWorld,
  documents,
  fillStore,
  putPermissions,
  schemaProgram,
  subjects,
  withRules,
} from './generated.ts'

const runs = propertyRuns('declared facts', 300)

test(
  'taking away everything that a decision does not declare to touch changes nothing of it (SPEC 7.3)',
  () => {
    let taken = 0
    fc.assert(
      fc.property(anyRules, anyWorld, (rules, world) => {
        const program = withRules(rules)
        const options = { now: 1000, externs: () => world.risk }
        const whole = createEntityStore(schemaProgram)
        fillStore(whole, world)
        const { decide } = createEvaluator(program)
        for (const subject of subjects) {
          for (const resource of [...documents.slice(0, 2), entity('Document', 'nowhere')]) {
            for (const action of ['read', 'edit']) {
              const request = { subject, action, resource, context: world.context }
              const part = onlyDeclared(program, whole, request)
              putPermissions(part, world)
              const wanted = interpret(program, whole, request, options)
              expect(interpret(program, part, request, options)).toEqual(wanted)
              expect(decide(part, request, options)).toEqual(wanted)
              taken += whole.size.entities - part.size.entities
            }
          }
        }
      }),
      runs,
    )
    expect(taken).toBeGreaterThan(runs.numRuns)
  },
  patienceFor(runs.numRuns),
)
