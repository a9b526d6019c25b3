import { describe, expect, test } from '@jest/globals'
import type { Program } from '../../../policy-lang/index.ts'
import {
  compileProgram,
  createEntityStore,
  createEvaluator,
  interpret,
  listResources,
  listSubjects,
  readInstant,
  readRequest,
  readTuples,
  readValue,
  renderDiagnostics,
  supplyProperties,
} from '../../../policy-lang/index.ts'
import { type Members, membersOf, readAsked, storeOf, textOf } from './read-asked.ts'

const files = readAsked()

const cases = files.flatMap(({ name, file, compiled }) =>
  file.cases.map((entry) => ({
    name,
    title: textOf(membersOf(entry).title),
    file,
    entry: membersOf(entry),
    program: compiled.program,
  })),
)

function ask(program: Program, file: Members, entry: Members): Members {
  const { store, problems } = storeOf(program, file)
  if (entry.problems !== undefined) return { problems }
  const asked = readRequest(program, entry.request ?? null)
  if (!asked.ok) return { refused: asked.message }
  const rows = supplyProperties(program, store, asked.supplied)
  const facts = store.overlay(rows, readTuples(program, entry.tuples ?? []).tuples)
  const given = { ...membersOf(file.externs), ...membersOf(entry.externs) }
  const externs = (name: string) => {
    const declared = program.externs.get(name)
    return declared && readValue(given[name], declared.returns)
  }
  const now = readInstant(textOf(entry.now ?? file.now)) ?? 0
  const options = { now, externs }
  const { subject, action, resource, context } = asked.request
  if (entry.ids !== undefined) {
    return { ids: listResources(program, { subject, action, type: resource.type, facts, context, options }) }
  }
  if (entry.subjects !== undefined) {
    return { subjects: listSubjects(program, { resource, action, type: subject.type, facts, context, options }) }
  }
  const decision = interpret(program, facts, asked.request, options)
  expect(createEvaluator(program).decide(facts, asked.request, options)).toEqual(decision)
  return membersOf(
    JSON.parse(JSON.stringify(decision, (_, value) => (typeof value === 'bigint' ? String(value) : value))),
  )
}

describe('questions about data (SPEC 3, SPEC 5, SPEC 8)', () => {
  test.each(files)('$name compiles', ({ compiled }) => {
    const errors = compiled.diagnostics.filter((entry) => entry.severity === 'error')
    expect(renderDiagnostics(errors, compiled.sources, { color: false })).toBe('')
  })

  test.each(cases)('$title ($name)', ({ program, file, entry, title }) => {
    expect(title).toMatch(/^SPEC \d+\.\d+: /)
    if (!program) throw new Error('it does not compile')
    const wanted =
      entry.expect === undefined ? { problems: entry.problems, ids: entry.ids, subjects: entry.subjects } : entry.expect
    const expected = JSON.parse(JSON.stringify(wanted))
    const answer = ask(program, file, entry)
    expect(Object.fromEntries(Object.keys(expected).map((key) => [key, answer[key]]))).toEqual(expected)
  })
})

describe('limits of a decision (SPEC 5.13)', () => {
  const text = `
import User from "writ:identity"

entity Room in next: Room? {
  relation keeper: User
  relation chain = keeper or next.chain
}

action enter on Room by User

allow enter on r: Room to chain of r
`
  /** Rooms behind each other, the last of which has a keeper. */
  function enter(depth: number) {
    const { program } = compileProgram([{ path: 'rooms.fbac', text }])
    if (!program) throw new Error('it does not compile')
    const store = createEntityStore(program)
    const room = (index: number) => ({ kind: 'entity', type: 'Room', id: String(index) }) as const
    const subject = { kind: 'entity', type: 'User', id: 'ann' } as const
    for (let index = depth - 1; index >= 0; index -= 1) {
      const attributes = new Map(index === depth - 1 ? [] : [['next', room(index + 1)] as const])
      expect(store.putEntity({ uid: room(index), attributes })).toEqual([])
    }
    store.putTuple({ resource: room(depth - 1), relation: 'keeper', subject: { kind: 'one', entity: subject } })
    const request = { subject, action: 'enter', resource: room(0), context: new Map() }
    const decision = interpret(program, store, request, { now: 0 })
    expect(createEvaluator(program).decide(store, request, { now: 0 })).toEqual(decision)
    return decision
  }

  test('SPEC 5.13: relations 200 deep are followed', () => {
    expect(enter(200)).toMatchObject({ decision: true, errors: [] })
  })

  test('SPEC 5.13: deeper than the limit is a deny of the whole, never a partial answer', () => {
    expect(enter(600)).toMatchObject({ decision: false, reasons: [], errors: [], code: 'limit' })
  })

  test('SPEC 5.13: a quantifier runs over 100,000 members, and over no more', () => {
    const { program } = compileProgram([
      {
        path: 'sets.fbac',
        text: `
entity Bag {
  numbers: Set<Int>
}

action open on Bag by User

allow open on b: Bag to User
  when any(n in b.numbers: n == 1)
`,
      },
    ])
    if (!program) throw new Error('it does not compile')
    const open = (count: number) => {
      const uid = { kind: 'entity', type: 'Bag', id: 'b' } as const
      const items = Array.from({ length: count }, (_, index) => index)
      const store = createEntityStore(program)
      expect(store.putEntity({ uid, attributes: new Map([['numbers', { kind: 'set', items }]]) })).toEqual([])
      const subject = { kind: 'entity', type: 'User', id: 'ann' } as const
      const request = { subject, action: 'open', resource: uid, context: new Map() }
      const decision = interpret(program, store, request, { now: 0 })
      expect(createEvaluator(program).decide(store, request, { now: 0 })).toEqual(decision)
      return decision
    }
    expect(open(100_000)).toMatchObject({ decision: true })
    expect(open(100_001)).toMatchObject({ decision: false, reasons: [], errors: [], code: 'limit' })
  })
})
