import { compareCodePoints } from '../builtins/code-points.ts'
import type { Facts } from '../entities/facts.ts'
import { createEntityStore } from '../entities/store.ts'
import type { EntityValue } from '../ir/nodes.ts'
import type { Expectation, Program, TestCase } from '../ir/program.ts'
import { createLocate } from '../source/places.ts'
import type { Span } from '../source/span.ts'
import type { Decision, EvaluateOptions, Externs } from './decision.ts'
import { interpret } from './interpret.ts'
import type { Decide } from './list.ts'

export type TestReport = {
  /** Test items without a failure. */
  readonly passed: number
  readonly failed: number
  readonly cases: readonly {
    readonly title: string
    readonly span: Span
    readonly failures: readonly { readonly message: string; readonly span: Span }[]
  }[]
}

/** Runs the `test` items of a program (SPEC 9). `decide` defaults to the reference interpreter; `step` is called after each. */
export function runTests(
  program: Program,
  decide: Decide = referee(program),
  step: () => void = () => undefined,
): TestReport {
  const locate = createLocate(program.places)
  const cases = program.tests.map((item) => {
    const failures = runTest(program, item, decide)
    step()
    return {
      title: item.title,
      span: locate(item.span),
      failures: failures.map(({ message, span }) => ({ message, span: locate(span) })),
    }
  })
  const failed = cases.filter((each) => each.failures.length > 0).length
  return { passed: cases.length - failed, failed, cases }
}

/** Values that a test states for externs; one without a fact fails. */
export const externsOfTest =
  (item: TestCase): Externs =>
  (name) => {
    const fact = item.externs.get(name)
    return fact === undefined || fact === 'fails' ? undefined : fact.value
  }

const referee =
  (program: Program): Decide =>
  (facts, request, options) =>
    interpret(program, facts, request, options)

type Failure = { readonly message: string; readonly span: Span }

function runTest(program: Program, item: TestCase, decide: Decide): readonly Failure[] {
  const store = createEntityStore(program)
  const problems = [
    ...item.entities.flatMap((entity) => store.putEntity(entity)),
    ...item.tuples.flatMap((tuple) => store.putTuple(tuple)),
  ]
  if (problems.length > 0) return problems.map(({ message }) => ({ message, span: item.span }))
  const run: Run = { facts: store, options: { now: item.now, externs: externsOfTest(item) }, decide }
  return item.expectations.flatMap((expectation) => {
    const messages = expectation.kind === 'list' ? checkList(run, expectation) : checkDecisions(run, expectation)
    return messages.map((message) => ({ message, span: expectation.span }))
  })
}

type Run = { readonly facts: Facts; readonly options: EvaluateOptions; readonly decide: Decide }

function checkDecisions(run: Run, expected: Expectation & { kind: 'decision' }): readonly string[] {
  return expected.actions.flatMap((action) => {
    const { subject, resource, context } = expected
    const decision = run.decide(run.facts, { subject, action, resource, context }, run.options)
    return checkDecision(decision, expected).map((message) => `${action}: ${message}`)
  })
}

function checkDecision(decision: Decision, expected: Expectation & { kind: 'decision' }): readonly string[] {
  if (decision.decision !== expected.decision) {
    return [`expected ${word(expected.decision)}, got ${word(decision.decision)}${explain(decision)}`]
  }
  const failing = sorted(decision.errors.map(({ rule }) => rule))
  const messages = [
    differ('from', decision.reasons, expected.from),
    differ('fields', decision.fields ?? [], expected.fields),
    differ('advises', sorted(decision.advice.map(({ name }) => name)), expected.advises),
    differ('failing', failing, expected.failing),
  ]
  // A test must not pass by accident (SPEC 9).
  if (expected.failing === undefined && hangsOnError(decision)) {
    messages.push(`the decision hangs on an error; say failing ${quoted(failing)}${explain(decision)}`)
  }
  return messages.filter((message) => message !== undefined)
}

function checkList(run: Run, expected: Expectation & { kind: 'list' }): readonly string[] {
  const { subject, action, type, context } = expected
  const judged = run.facts.idsOf(type).map((id) => {
    const resource: EntityValue = { kind: 'entity', type, id }
    return { id, decision: run.decide(run.facts, { subject, action, resource, context }, run.options) }
  })
  const listed = judged.filter(({ decision }) => decision.decision).map(({ id }) => id)
  const accidental = judged.filter(({ decision }) => hangsOnError(decision))
  return [
    differ(
      'is',
      listed,
      expected.is.map(({ id }) => id),
    ),
    ...accidental.map(({ id, decision }) => `${type}::"${id}" hangs on an error${explain(decision)}`),
  ].filter((message) => message !== undefined)
}

/** Would it have been another decision, had nothing failed? */
function hangsOnError(decision: Decision): boolean {
  if (decision.decision) return false
  const failed = new Set(decision.errors.map(({ rule }) => rule))
  return failed.size > 0 && decision.reasons.every((reason) => failed.has(reason))
}

function differ(clause: string, found: readonly string[], expected: readonly string[] | undefined): string | undefined {
  if (expected === undefined) return undefined
  const wanted = sorted(expected)
  if (quoted(wanted) === quoted(sorted(found))) return undefined
  return `${clause}: expected ${quoted(wanted)}, got ${quoted(found)}`
}

function explain(decision: Decision): string {
  const parts = [
    decision.reasons.length > 0 ? `from ${quoted(decision.reasons)}` : '',
    ...decision.errors.map(({ rule, cause }) => `"${rule}" fails: ${cause.code} ${cause.path ?? ''}`.trimEnd()),
    decision.code ?? '',
  ].filter((part) => part !== '')
  return parts.length > 0 ? ` (${parts.join('; ')})` : ''
}

const word = (decision: boolean): string => (decision ? 'allow' : 'deny')
const quoted = (names: readonly string[]): string =>
  names.length > 0 ? names.map((name) => JSON.stringify(name)).join(', ') : 'nothing'
const sorted = (names: readonly string[]): readonly string[] => [...new Set(names)].sort(compareCodePoints)
