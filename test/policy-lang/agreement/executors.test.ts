import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  createEntityStore,
  createEvaluator,
  type Facts,
  interpret,
  type Program,
  type Request,
} from '../../../policy-lang/index.ts'
import { entity } from '../program-kit.ts'
import { propertyRuns } from '../properties/runs.ts'
import {
  anyRule,
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
const runs = propertyRuns('agreement of executors', 500)

function factsOfWorld(world: World): readonly Facts[] {
  const store = createEntityStore(schemaProgram)
  fillStore(store, world)
  return [store, store.overlay(world.overEntities, world.overTuples)]
}

const requestsOf = (world: World): readonly Request[] =>
  subjects.flatMap((subject) =>
    [...documents.slice(0, 2), entity('Document', 'nowhere')].flatMap((resource) =>
      ['read', 'edit'].map((action) => ({ subject, action, resource, context: world.context })),
    ),
  )

const optionsOf = (world: World) => ({ now, externs: () => world.risk })
const decisions = (program: Program, world: World) =>
  factsOfWorld(world).flatMap((facts) =>
    requestsOf(world).map((request) => interpret(program, facts, request, optionsOf(world))),
  )

describe('generated policies, data and requests', () => {
  test('JavaScript says what the interpreter says: decision, reasons, errors, degraded, fields, advice (SPEC 7)', () => {
    fc.assert(
      fc.property(anyRules, anyWorld, (rules, world) => {
        const program = withRules(rules)
        const evaluator = createEvaluator(program)
        for (const facts of factsOfWorld(world)) {
          for (const request of requestsOf(world)) {
            const wanted = interpret(program, facts, request, optionsOf(world))
            expect(evaluator.decide(facts, request, optionsOf(world))).toEqual(wanted)
            expect(evaluator.allows(facts, request, optionsOf(world))).toBe(wanted.decision)
          }
        }
      }),
      runs,
    )
  })

  test('adding a deny never allows more, adding an allow never allows less (SPEC 11)', () => {
    fc.assert(
      fc.property(anyRules, anyRule('z'), anyWorld, (rules, added, world) => {
        const before = decisions(withRules(rules), world)
        const after = decisions(withRules([...rules, added]), world)
        for (const [index, { decision }] of before.entries()) {
          const grown = after[index]?.decision
          expect(added.effect === 'deny' ? !grown || decision : grown || !decision).toBe(true)
        }
      }),
      { ...runs, numRuns: runs.numRuns / 5 },
    )
  })

  test('the order of operands and of data changes nothing (SPEC 1)', () => {
    fc.assert(
      fc.property(anyRules, anyWorld, (rules, world) => {
        const turned = rules.map((rule) => ({ ...rule, condition: reversed(rule.condition) }))
        const mirrored = { ...world, tuples: [...world.tuples].reverse(), entities: [...world.entities].reverse() }
        expect(decisions(withRules(turned), mirrored)).toEqual(decisions(withRules(rules), world))
      }),
      { ...runs, numRuns: runs.numRuns / 5 },
    )
  })

  test('a snapshot answers as the store did when it was taken', () => {
    fc.assert(
      fc.property(anyRules, anyWorld, (rules, world) => {
        const program = withRules(rules)
        const store = createEntityStore(schemaProgram)
        fillStore(store, world)
        const ask = (facts: Facts) =>
          requestsOf(world).map((request) => interpret(program, facts, request, optionsOf(world)))
        const before = ask(store)
        const snapshot = store.snapshot()
        for (const each of world.overEntities) store.putEntity(each)
        for (const each of world.overTuples) store.putTuple(each)
        for (const each of world.tuples.slice(0, 4)) store.removeTuple(each)
        for (const each of world.entities.slice(0, 4)) store.removeEntity(each.uid)
        expect(ask(snapshot)).toEqual(before)
        const { decide } = createEvaluator(program)
        expect(requestsOf(world).map((request) => decide(snapshot, request, optionsOf(world)))).toEqual(before)
      }),
      { ...runs, numRuns: runs.numRuns / 5 },
    )
  })
})

type Expr = Parameters<typeof withRules>[0][number]['condition']
function reversed(expr: Expr): Expr {
  if (expr.kind === 'and' || expr.kind === 'or') return { ...expr, operands: expr.operands.map(reversed).reverse() }
  return expr.kind === 'not' ? { ...expr, operand: reversed(expr.operand) } : expr
}
