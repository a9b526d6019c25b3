import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { compileProgram, type Decision, formatFile, interpret, type Program } from '../../../policy-lang/index.ts'
import { anyLayout, anyRule, anyRules, type RandomRule, writeSet } from './random-set.ts'
import { anyWorld, type RandomWorld, storeOf, typedRequests } from './random-world.ts'
import { patienceFor, propertyRuns } from './runs.ts'

const runs = propertyRuns('algebra', 200)
const now = Date.parse('2026-03-02T10:00:00Z')
const patience = patienceFor(runs.numRuns)

function compiled(text: string): Program {
  const { program, diagnostics } = compileProgram([{ path: 'set.fbac', text }])
  if (!program) throw new Error(`${diagnostics.map(({ message }) => message).join('\n')}\n${text}`)
  return program
}

function decisionsOf(program: Program, world: RandomWorld): readonly Decision[] {
  const facts = storeOf(program, world.data)
  const options = { now, externs: () => world.risk }
  return typedRequests(program, world).map((request) => interpret(program, facts, request, options))
}

describe('generated sets that load', () => {
  test(
    'what the formatter writes has the same program hash, and formatting it again changes nothing (SPEC 7.1)',
    () => {
      fc.assert(
        fc.property(anyRules, anyLayout, (rules, layout) => {
          const text = writeSet(rules, layout)
          const once = formatFile(text)
          expect(once.diagnostics).toEqual([])
          expect(compiled(once.text).hash).toBe(compiled(text).hash)
          expect(formatFile(once.text).text).toBe(once.text)
        }),
        runs,
      )
    },
    patience,
  )

  test(
    'order and duplicates of items, clauses and operands change neither the hash nor any decision (SPEC 1.3, 7.1)',
    () => {
      fc.assert(
        fc.property(anyRules, anyLayout, anyWorld, (rules, layout, world) => {
          const [one, other] = [compiled(writeSet(rules)), compiled(writeSet(rules, layout))]
          expect(other.hash).toBe(one.hash)
          expect(decisionsOf(other, world)).toEqual(decisionsOf(one, world))
        }),
        runs,
      )
    },
    patience,
  )

  test(
    'adding a deny never allows more, and opens no field (SPEC 1.4, 11)',
    () => {
      fc.assert(
        fc.property(anyRules, anyRule('added', 'deny'), anyWorld, (rules, added, world) => {
          compareGrown(rules, added, world, (before, after) => {
            expect(after.decision && !before.decision).toBe(false)
            if (after.decision) expect(leavesOf(before)).toEqual(expect.arrayContaining([...leavesOf(after)]))
          })
        }),
        runs,
      )
    },
    patience,
  )

  test(
    'adding an allow never allows less, and closes no field (SPEC 1.4, 11)',
    () => {
      fc.assert(
        fc.property(anyRules, anyRule('added', 'allow'), anyWorld, (rules, added, world) => {
          compareGrown(rules, added, world, (before, after) => {
            expect(before.decision && !after.decision).toBe(false)
            if (before.decision) expect(leavesOf(after)).toEqual(expect.arrayContaining([...leavesOf(before)]))
          })
        }),
        runs,
      )
    },
    patience,
  )
})

function compareGrown(
  rules: readonly RandomRule[],
  added: RandomRule,
  world: RandomWorld,
  check: (before: Decision, after: Decision) => void,
): void {
  const before = decisionsOf(compiled(writeSet(rules)), world)
  const after = decisionsOf(compiled(writeSet([...rules, added])), world)
  for (const [at, one] of before.entries()) {
    const grown = after[at]
    if (grown) check(one, grown)
  }
}

/** `home` stands for its members. */
const leavesOf = ({ fields = [] }: Decision): readonly string[] =>
  fields.flatMap((field) => (field === 'home' ? ['home.city', 'home.zip'] : [field]))
