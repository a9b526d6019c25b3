import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { compileProgram, explain, type Program, writeExplanation, writeJson } from '../../../policy-lang/index.ts'
import { anyRules, writeSet } from '../properties/random-set.ts'
import { anyWorld, type RandomWorld, storeOf, typedRequests } from '../properties/random-world.ts'
import { patienceFor, propertyRuns } from '../properties/runs.ts'

const runs = propertyRuns('explanations', 60)
const now = Date.parse('2026-03-02T10:00:00Z')

function compiled(text: string): Program {
  const { program, diagnostics } = compileProgram([{ path: 'set.fbac', text }])
  if (!program) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return program
}

const optionsOf = (world: RandomWorld) => ({ now, externs: () => world.risk })

describe('explanations of generated sets (SPEC 7.4)', () => {
  test(
    'the rules that are said to count are those of the decision, and their decisive conditions say why',
    () => {
      fc.assert(
        fc.property(anyRules, anyWorld, (rules, world) => {
          const program = compiled(writeSet(rules))
          const facts = storeOf(program, world.data)
          for (const request of typedRequests(program, world)) {
            const { decision, rules: explained } = explain(program, {
              facts,
              request,
              options: optionsOf(world),
              audience: 'full',
            })
            const failed = explained
              .filter(({ outcome }) => outcome === 'error')
              .map(({ id, cause }) => ({ rule: id, cause }))
            expect(failed).toEqual(decision.errors)
            const counting = explained.filter(({ counts, isMasking }) => counts && !isMasking)
            const effect = decision.decision ? 'allow' : 'deny'
            if (decision.code === undefined)
              expect(counting.filter((rule) => rule.effect === effect).map(({ id }) => id)).toEqual(decision.reasons)
          }
        }),
        runs,
      )
    },
    patienceFor(runs.numRuns),
  )

  test(
    'without the right to explain, nothing that is told hangs on a resource that the caller cannot see',
    () => {
      fc.assert(
        fc.property(anyRules, anyWorld, anyWorld, (rules, world, other) => {
          const program = compiled(writeSet(rules))
          // Two worlds that differ in resources: where neither allows anything, the answers are the same.
          const [here, there] = [storeOf(program, world.data), storeOf(program, other.data)]
          for (const request of typedRequests(program, world)) {
            const ask = (facts: typeof here) => {
              const question = { facts, request, options: optionsOf(world) }
              return {
                own: writeJson(writeExplanation(program, explain(program, { ...question, audience: 'caller' }))),
                isSeen: explain(program, { ...question, audience: 'full' }).rules.some(
                  ({ effect, counts }) => effect === 'allow' && counts,
                ),
              }
            }
            const [one, two] = [ask(here), ask(there)]
            if (!one.isSeen && !two.isSeen) expect(one.own).toBe(two.own)
          }
        }),
        runs,
      )
    },
    patienceFor(runs.numRuns),
  )
})
