import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { CompileMemory, Decision, Facts, Program } from '../../../policy-lang/index.ts'
import {
  compileProgram,
  createEntityStore,
  createEvaluator,
  interpret,
  parseStrictJson,
  readData,
  readInstant,
  readRequest,
} from '../../../policy-lang/index.ts'
import { isObject } from '../../../policy-lang/runtime/read-value.ts'
import { type Line, readLines } from './expressions/read-lines.ts'

const folder = new URL('expressions/', import.meta.url)
const laboratory = readFileSync(new URL('laboratory.fbac', folder), 'utf8')
const parsed = parseStrictJson(readFileSync(new URL('laboratory.json', folder), 'utf8'))
if (!parsed.ok || !isObject(parsed.value)) throw new Error('laboratory.json is no object')
const data = parsed.value
const now = readInstant(String(data.now))
if (now === undefined) throw new Error('laboratory.json has no now')

let memory: CompileMemory | undefined

/** Two rules with the expression: `look` is allowed by it, `guard` denied by it. */
function compile({ expression }: Line) {
  const marks = expression.includes('attempt(') ? '@failsOpen\n' : ''
  const text = `${laboratory}
@id("allow")
allow look on t: Thing to anyone
  when ${expression}

@id("deny")
${marks}deny guard on t: Thing to anyone
  when ${expression}
`
  const result = compileProgram([{ path: 'laboratory.fbac', text }], memory && { memory })
  memory = result.memory
  return result
}

function factsOf(program: Program): Facts {
  const store = createEntityStore(program)
  const { entities, tuples } = readData(program, data)
  for (const entity of entities) expect(store.putEntity(entity)).toEqual([])
  for (const tuple of tuples) expect(store.putTuple(tuple)).toEqual([])
  return store
}

/** The same question to the interpreter and to JavaScript; their decisions must be equal. */
function decide(program: Program, action: string): Decision {
  const asked = isObject(data.request) ? readRequest(program, { ...data.request, action: { name: action } }) : undefined
  if (!asked?.ok) throw new Error('the request of laboratory.json is none')
  const facts = factsOf(program)
  const decision = interpret(program, facts, asked.request, { now: Number(now) })
  expect(createEvaluator(program).decide(facts, asked.request, { now: Number(now) })).toEqual(decision)
  return decision
}

/** What the rule must have yielded for this decision: true, false, or E with its cause. */
function yielded(decision: Decision, rule: 'allow' | 'deny'): string {
  const error = decision.errors.find((entry) => entry.rule === rule)
  const counts = decision.reasons.includes(rule)
  if (!error) return String(counts)
  // SPEC 5.3: a failing allow does not count, a failing deny does.
  expect(counts).toBe(rule === 'deny')
  return `E ${error.cause.code} ${error.cause.path ?? ''}`.trimEnd()
}

describe('an expression yields a value or E (SPEC 4, SPEC 5)', () => {
  test.each(readLines())('SPEC $clause: $expression => $allow ($place)', (line) => {
    const { program, diagnostics } = compile(line)
    const errors = diagnostics.filter((entry) => entry.severity === 'error')
    if (!program) return expect(errors.map((entry) => entry.code)).toEqual([line.allow, line.allow])
    expect(yielded(decide(program, 'look'), 'allow')).toBe(line.allow)
    expect(yielded(decide(program, 'guard'), 'deny')).toBe(line.deny)
  })
})
