import { describe, expect, test } from '@jest/globals'
import { createEvaluator } from '../../../policy-lang/backends/js/create-evaluator.ts'
import { createEntityStore } from '../../../policy-lang/entities/store.ts'
import type { Rule } from '../../../policy-lang/ir/program.ts'
import { interpret } from '../../../policy-lang/runtime/interpret.ts'
import {
  action,
  and,
  attribute,
  bool,
  compare,
  context,
  doc,
  entityType,
  extern,
  get,
  has,
  int,
  literal,
  no,
  not,
  or,
  programOf,
  resource,
  row,
  rule,
  text,
  time,
  user,
  yes,
} from '../program-kit.ts'

const address = {
  kind: 'record',
  fields: { city: { type: text, optional: false }, line: { type: text, optional: false } },
} as const
const document = entityType('Document', [
  attribute('title', text),
  attribute('hold', bool),
  attribute('expires', time, { optional: true }),
  attribute('address', address, { optional: true }),
])
const program = (...rules: Rule[]) =>
  programOf({
    types: [document, entityType('User')],
    actions: [action('read', 'Document')],
    rules,
    more: {
      externs: new Map([
        ['risk', { name: 'risk', params: [], returns: int, withinMilliseconds: 50, otherwise: 60 }],
        ['strict', { name: 'strict', params: [], returns: int, withinMilliseconds: 50 }],
      ]),
    },
  })
const hold = get(resource, 'hold', bool)
const expires = get(resource, 'expires', time, true)

/** Both executors, which must agree; the answer of the interpreter. */
function decide(rules: Rule[], options: { externs?: () => number; context?: Map<string, number> } = {}) {
  const compiled = program(...rules)
  const store = createEntityStore(compiled)
  store.putEntity(row(doc('d'), { title: 'T', hold: true }))
  store.putEntity(row(doc('bare')))
  return (id = 'd', name = 'read') => {
    const request = { subject: user('ann'), action: name, resource: doc(id), context: options.context ?? new Map() }
    const world = { now: 1000, ...(options.externs && { externs: options.externs }) }
    const decision = interpret(compiled, store, request, world)
    expect(createEvaluator(compiled).decide(store, request, world)).toEqual(decision)
    expect(createEvaluator(compiled).allows(store, request, world)).toBe(decision.decision)
    return decision
  }
}

describe('evaluation (SPEC 5)', () => {
  test('no rule: deny without reasons', () => {
    expect(decide([])()).toMatchObject({ decision: false, reasons: [], errors: [] })
  })

  test('allowed iff an allow counts and no deny does; reasons are sorted', () => {
    const allows = [rule('b', 'allow', yes), rule('a', 'allow', yes), rule('c', 'allow', no)]
    expect(decide(allows)()).toMatchObject({ decision: true, reasons: ['a', 'b'] })
    const deny = rule('x', 'deny', hold, { because: 'Held.' })
    expect(decide([...allows, deny])()).toMatchObject({ decision: false, reasons: ['x'], texts: ['Held.'] })
  })

  test('a failing allow does not count, a failing deny does; both name their cause', () => {
    const cause = { code: 'missing', path: 'resource.hold' }
    expect(decide([rule('a', 'allow', hold)])('bare')).toMatchObject({
      decision: false,
      errors: [{ rule: 'a', cause }],
    })
    expect(decide([rule('a', 'allow', yes), rule('x', 'deny', hold)])('bare')).toMatchObject({
      decision: false,
      reasons: ['x'],
      errors: [{ rule: 'x', cause }],
    })
  })

  test('false and E is false, true or E is true, else E stays', () => {
    expect(decide([rule('a', 'allow', yes), rule('x', 'deny', and(hold, no))])('bare').errors).toEqual([])
    expect(decide([rule('a', 'allow', or(hold, yes))])('bare')).toMatchObject({ decision: true, errors: [] })
    expect(decide([rule('a', 'allow', or(hold, no))])('bare').errors).toHaveLength(1)
    expect(decide([rule('a', 'allow', not(hold))])('bare').errors).toHaveLength(1)
  })

  test('an absent optional is guarded by has, and equals nothing', () => {
    const due = compare('le', get(resource, 'expires', time), get(context, 'now', time))
    expect(decide([rule('a', 'allow', yes), rule('x', 'deny', and(has(expires), due))])()).toMatchObject({
      decision: true,
      errors: [],
    })
    expect(decide([rule('a', 'allow', compare('eq', expires, literal(1, time)))])().decision).toBe(false)
  })

  test('an unknown action is denied with its code', () => {
    expect(decide([rule('a', 'allow', yes)])('d', 'nope')).toMatchObject({ decision: false, code: 'unknown-action' })
  })

  test('a failed extern is its default in an allow and E in a deny', () => {
    const risky = (name: string) => compare('le', literal(70, int), extern(name, int))
    const calm = (name: string) => not(risky(name))
    const down = decide([rule('a', 'allow', calm('risk')), rule('x', 'deny', risky('risk'))])()
    expect(down).toMatchObject({
      decision: false,
      reasons: ['x'],
      degraded: ['a', 'x'],
      errors: [{ rule: 'x', cause: { code: 'extern-failed', path: 'risk' } }],
    })
    expect(decide([rule('a', 'allow', calm('strict'))])()).toMatchObject({ errors: [{ rule: 'a' }], degraded: ['a'] })
    expect(decide([rule('a', 'allow', calm('risk'))], { externs: () => 10 })()).toMatchObject({
      decision: true,
      degraded: [],
    })
    const throwing = () => {
      throw new Error('down')
    }
    expect(decide([rule('a', 'allow', calm('risk'))], { externs: throwing })()).toMatchObject({
      decision: true,
      degraded: ['a'],
    })
  })

  test('a failed extern that could not change the rule does not degrade it', () => {
    const risky = compare('le', literal(70, int), extern('risk', int))
    expect(decide([rule('a', 'allow', yes), rule('x', 'deny', and(risky, no))])().degraded).toEqual([])
  })

  test('integer overflow is E', () => {
    const sum = {
      kind: 'call',
      name: 'add',
      args: [literal(9223372036854775807n, int), literal(1, int)],
      type: int,
      span: rule('', 'allow', yes).span,
    } as const
    expect(decide([rule('a', 'allow', compare('le', sum, literal(0, int)))])().errors).toEqual([
      { rule: 'a', cause: { code: 'overflow' } },
    ])
  })
})

describe('fields and advice (SPEC 5)', () => {
  const all = { Document: ['title', 'hold', 'expires', 'address'] }
  test('no clause opens every field of the type', () => {
    expect(decide([rule('a', 'allow', yes)])().fields).toEqual(['address', 'expires', 'hold', 'title'])
  })
  test('the union of the allows without what the masking denies take', () => {
    const rules = [
      rule('a', 'allow', yes, { fields: { Document: ['title', 'address.city'] } }),
      rule('b', 'allow', yes, { fields: { Document: ['hold', 'address'] } }),
      rule('x', 'deny', yes, { fields: { Document: ['hold'] } }),
    ]
    expect(decide(rules)()).toMatchObject({ decision: true, reasons: ['a', 'b'], fields: ['address', 'title'] })
    const city = rule('y', 'deny', yes, { fields: { Document: ['address.city'] } })
    expect(decide([...rules, city])().fields).toEqual(['address.line', 'title'])
  })
  test('nothing left is a deny with code no-fields', () => {
    expect(decide([rule('a', 'allow', yes), rule('x', 'deny', yes, { fields: all })])()).toMatchObject({
      decision: false,
      code: 'no-fields',
      reasons: ['x'],
    })
  })
  test('advice comes only if every counting deny carries some', () => {
    const advise = [{ name: 'stepUp', args: { acr: literal('mfa', text) } }]
    const first = rule('x', 'deny', yes, { advise })
    expect(decide([rule('a', 'allow', yes), first])().advice).toEqual([{ name: 'stepUp', args: { acr: 'mfa' } }])
    expect(decide([rule('a', 'allow', yes), first, rule('y', 'deny', yes)])().advice).toEqual([])
  })
})

describe('composition (SPEC 6)', () => {
  test('denies of lower layers do not count against a sealed allow; those of its own layer do', () => {
    const sealed = rule('a', 'allow', yes, { sealed: true, layer: 'module' })
    const plain = rule('b', 'allow', yes)
    expect(decide([sealed, plain, rule('x', 'deny', yes, { layer: 'tenant' })])()).toMatchObject({
      decision: true,
      reasons: ['a'],
    })
    expect(decide([sealed, plain, rule('x', 'deny', yes, { layer: 'module' })])()).toMatchObject({
      decision: false,
      reasons: ['x'],
    })
  })

  test("an organization's allow counts only where a delegate also holds", () => {
    const own = rule('a', 'allow', yes, { layer: 'organization' })
    expect(decide([own])().decision).toBe(false)
    const compiled = program(own)
    const actions = [{ action: 'read', resourceType: 'Document' }]
    const delegated = {
      ...compiled,
      delegates: [{ actions, condition: hold, layer: 'module' as const, span: own.span }],
    }
    const store = createEntityStore(delegated)
    const ask = { subject: user('ann'), action: 'read', resource: doc('d'), context: new Map() }
    for (const judged of [true, false]) {
      store.putEntity(row(doc('d'), { title: 'T', hold: judged }))
      expect(interpret(delegated, store, ask, { now: 0 }).decision).toBe(judged)
      expect(createEvaluator(delegated).decide(store, ask, { now: 0 }).decision).toBe(judged)
    }
  })
})
