import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createEntityStore, createEvaluator, explainPlan, interpret, type Program } from '../../../policy-lang/index.ts'
import type { Expr } from '../../../policy-lang/ir/nodes.ts'
import {
  and,
  bool,
  compare,
  context,
  entity,
  entityOf,
  get,
  has,
  holds,
  int,
  isIn,
  isType,
  literal,
  not,
  or,
  resource,
  row,
  rule,
  setOf,
  subject,
  text,
  values,
} from '../program-kit.ts'
import { anyWorld, documents, schemaProgram, subjects, withRules } from './generated.ts'

// Many rules over few constants: the index has to find exactly those that an interpreter finds one by one.

const oneOf = <Item>(items: readonly Item[]): fc.Arbitrary<Item> => fc.constantFrom(...items)
const label = get(resource, 'label', text)
const size = get(resource, 'size', int)
const owner = get(resource, 'owner', entityOf('Person'))
const manager = get(subject, 'manager', entityOf('Person'), true)
const letters = ['a', 'b', '\uffff']
const people = ['u0', 'u1', 'u2'].map((id) => literal(entity('Person', id), entityOf('Person')))
const amounts = [-1, 0, 1, 5].map((value) => literal(value, int))

const labelIs = oneOf(letters).map((letter) => compare('eq', label, literal(letter, text)))
const conjunct: fc.Arbitrary<Expr> = fc.oneof(
  labelIs,
  fc.tuple(labelIs, labelIs).map((operands) => or(...operands)),
  fc.subarray(letters).map((some) => isIn('set', label, literal(values(...some), setOf(text)))),
  oneOf(people).map((person) => compare('eq', owner, person)),
  oneOf(people).map((person) => compare('eq', person, manager)),
  oneOf(people).map((person) => compare('eq', subject, person)),
  oneOf(letters).map((letter) => isIn('set', literal(letter, text), get(resource, 'labels', setOf(text)))),
  oneOf(['g0', 'g1', 'g2']).map((id) => isIn('hierarchy', subject, literal(entity('Crew', id), entityOf('Crew')))),
  oneOf(['f0', 'f1']).map((id) => isIn('hierarchy', resource, literal(entity('Folder', id), entityOf('Folder')))),
  fc
    .tuple(oneOf(['lt', 'le'] as const), oneOf(amounts), fc.boolean())
    .map(([op, amount, turned]) => (turned ? compare(op, size, amount) : compare(op, amount, size))),
  oneOf([get(resource, 'hold', bool), not(get(resource, 'hold', bool)), has(manager), isType(subject, 'Person')]),
  fc.constant(compare('eq', get(context, 'm', int), literal(1, int))),
  fc.constant(holds(subject, 'canView', resource)),
  fc.tuple(oneOf(people), oneOf(['viewer', 'owner'])).map(([person, relation]) => holds(person, relation, resource)),
)
const manyRules = fc
  .array(fc.tuple(oneOf(['allow', 'allow', 'deny'] as const), fc.array(conjunct, { minLength: 1, maxLength: 3 })), {
    minLength: 8,
    maxLength: 40,
  })
  .map((drafts) => drafts.map(([effect, operands], at) => rule(`r${at}`, effect, and(...operands))))

/** Nothing that a rule reads is missing: an E would leave everything to the interpreter. */
const wholeWorld = fc
  .record({
    world: anyWorld,
    label: oneOf(letters),
    size: oneOf([-1, 0, 1, 2, 5]),
    hold: fc.boolean(),
    labels: fc.subarray(letters),
    owner: oneOf(['u0', 'u1']),
    folder: oneOf(['f0', 'f1', 'f2']),
  })
  .map(({ world, ...shown }) => ({
    ...world,
    context: new Map(world.context).set('m', 1),
    entities: [
      ...world.entities.filter(({ uid }) => uid.type !== 'Document'),
      row(entity('Document', 'd0'), {
        ...shown,
        labels: values(...shown.labels),
        owner: entity('Person', shown.owner),
        folder: entity('Folder', shown.folder),
      }),
    ],
    overEntities: world.overEntities.filter(({ uid }) => uid.type !== 'Document'),
  }))

const runs = { numRuns: Math.ceil(Number(process.env.WRIT_AGREEMENT_RUNS ?? 500) / 4) }

describe('the index (SPEC 7)', () => {
  test('finds the rules that an interpreter finds one by one, in a store, an overlay and a snapshot', () => {
    fc.assert(
      fc.property(manyRules, wholeWorld, (rules, world) => {
        const program = withRules(rules)
        const store = createEntityStore(schemaProgram)
        for (const each of world.entities) store.putEntity(each)
        for (const each of world.tuples) store.putTuple(each)
        const { decide } = createEvaluator(program)
        const options = { now: 1000 }
        for (const facts of [store, store.overlay(world.overEntities, world.overTuples), store.snapshot()]) {
          for (const who of subjects.slice(1)) {
            const request = { subject: who, action: 'read', resource: documents[0] ?? who, context: world.context }
            expect(decide(facts, request, options)).toEqual(interpret(program, facts, request, options))
          }
        }
      }),
      runs,
    )
  })

  const planOf = (program: Program) => explainPlan(program, 'read', 'Person', 'Document')
  const statuses = (count: number) =>
    Array.from({ length: count }, (_, at) => rule(`r${at}`, 'allow', compare('eq', label, literal(`l${at}`, text))))

  test('three rules on one path share a look-up, two are judged in a row', () => {
    // `edit` implies `read`: each rule comes into the partition twice.
    const once = (count: number): Program => ({
      ...withRules(statuses(count)),
      partitions: new Map([['read\u0000Document', statuses(count).map((_, at) => ({ rule: at, as: 'read' }))]]),
    })
    expect(planOf(once(3))).toEqual({
      rules: 3,
      lines: ['3 rules by the value of resource.label: one look-up among 3 constants, at most 1 rule behind one'],
      notIndexed: [],
    })
    expect(planOf(once(2))?.notIndexed).toEqual([
      { rule: 'r0', reason: 'fewer than three rules compare the same path with constants' },
      { rule: 'r1', reason: 'fewer than three rules compare the same path with constants' },
    ])
  })

  test('says why a rule stands outside: a relation, a negation; no such action has no plan', () => {
    const rules = [
      rule('relation', 'allow', holds(subject, 'viewer', resource)),
      rule('negation', 'deny', not(get(resource, 'hold', bool))),
    ]
    const reasons = planOf(withRules(rules))?.notIndexed.map(({ reason }) => reason)
    expect(reasons).toContain('a relation depends on who asks and on data, not on a constant')
    expect(reasons).toContain('a negation matches everything but a constant')
    expect(explainPlan(schemaProgram, 'fly', 'Person', 'Document')).toBeUndefined()
    expect(explainPlan(schemaProgram, 'read', 'Ghost', 'Document')).toBeUndefined()
  })
})
