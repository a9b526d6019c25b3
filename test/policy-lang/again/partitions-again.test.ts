import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createEntityStore, createEvaluator, type EvaluatorMemory, interpret } from '../../../policy-lang/index.ts'
import { anyRule, anyWorld, documents, schemaProgram, subjects, withRules } from '../agreement/generated.ts'
import { compare, entity, get, int, literal, resource, rule } from '../program-kit.ts'

const runs = { numRuns: Math.ceil(Number(process.env.WRIT_AGREEMENT_RUNS ?? 500) / 2) }

/** Rules of which each step of a chain takes some: many stay, some come and go, one changes under its id. */
const pool = fc.tuple(
  ...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((id) => fc.tuple(anyRule(id), anyRule(id))),
)
const steps = fc.array(
  fc.array(fc.constantFrom('first', 'second', 'gone' as const), { minLength: 10, maxLength: 10 }),
  {
    minLength: 3,
    maxLength: 3,
  },
)
const options = { now: 1000 }

describe('an evaluator that knows an earlier one (SPEC 7)', () => {
  test('answers what the interpreter answers, whichever rules came, went or changed', () => {
    fc.assert(
      fc.property(pool, steps, anyWorld, (rules, chain, world) => {
        let memory: EvaluatorMemory | undefined
        const store = createEntityStore(schemaProgram)
        for (const each of world.entities) store.putEntity(each)
        for (const each of world.tuples) store.putTuple(each)
        for (const chosen of chain) {
          const program = withRules(
            rules.flatMap(([first, second], at) =>
              chosen[at] === 'first' ? first : chosen[at] === 'second' ? second : [],
            ),
          )
          const evaluator = createEvaluator(program, memory ? { memory } : {})
          memory = evaluator.memory
          for (const subject of subjects)
            for (const action of ['read', 'edit']) {
              const request = { subject, action, resource: documents[0] ?? subject, context: world.context }
              expect(evaluator.decide(store, request, options)).toEqual(interpret(program, store, request, options))
            }
        }
      }),
      runs,
    )
  })

  const sized = (sizes: readonly number[]) =>
    withRules(
      sizes.map((size) => rule(`rule ${size}`, 'allow', compare('eq', get(resource, 'size', int), literal(size, int)))),
    )

  test('takes over a partition whose rules are the same, and makes one anew whose rules are not', () => {
    const partitionOf = ({ memory, decide, program }: ReturnType<typeof createEvaluator>) => {
      const request = { subject: entity('Person', 'p'), action: 'read', resource: entity('Document', 'd') }
      decide(createEntityStore(program), { ...request, context: new Map() }, options)
      return [...memory.partitions.values()][0]
    }
    const before = createEvaluator(sized([1, 2, 3]))
    const partition = partitionOf(before)
    const same = createEvaluator({ ...before.program, hash: 'other' }, { memory: before.memory })
    const less = createEvaluator(sized([1, 2]), { memory: before.memory })
    expect(partitionOf(same)).toBe(partition)
    expect(partitionOf(less)).not.toBe(partition)
  })

  test('takes over nothing from a program with other declarations', () => {
    const before = createEvaluator(sized([1]))
    const other = { ...before.program, entityTypes: new Map(before.program.entityTypes) }
    expect(createEvaluator(other, { memory: before.memory }).memory.plans).not.toBe(before.memory.plans)
  })
})
