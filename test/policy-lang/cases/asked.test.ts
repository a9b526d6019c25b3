import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { Json, Program } from '../../../policy-lang/index.ts'
import {
  compileProgram,
  createEntityStore,
  createEvaluator,
  interpret,
  listResources,
  listSubjects,
  parseStrictJson,
  readData,
  readInstant,
  readRequest,
  readTuples,
  readValue,
  renderDiagnostics,
  supplyProperties,
} from '../../../policy-lang/index.ts'
import { isArray, isObject } from '../../../policy-lang/runtime/read-value.ts'

type Members = { readonly [name: string]: Json }

const members = (json: Json | undefined): Members => (isObject(json) ? json : {})
const list = (json: Json | undefined): readonly Json[] => (isArray(json) ? json : [])
const text = (json: Json | undefined): string => (typeof json === 'string' ? json : '')

/** A policy, and beside it, a line each, data and questions with the members of the answer that matter. */
const folder = new URL('asked/', import.meta.url)
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.jsonl'))
  .sort()
  .map((name) => ({ name, ...readFile(name) }))

function readFile(name: string) {
  const lines = readFileSync(new URL(name, folder), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line, index) => {
      const parsed = parseStrictJson(line)
      if (!parsed.ok) throw new Error(`${name}:${index + 1}: ${parsed.message}`)
      return members(parsed.value)
    })
  const every = (kind: string) => lines.flatMap((line) => line[kind] ?? [])
  const file = {
    now: every('now')[0] ?? '',
    data: { entities: every('entity'), tuples: every('tuple') },
    permissions: every('permission'),
    cases: every('case'),
  }
  const path = name.replace('.jsonl', '.fbac')
  return { file, compiled: compileProgram([{ path, text: readFileSync(new URL(path, folder), 'utf8') }]) }
}

const cases = files.flatMap(({ name, file, compiled }) =>
  file.cases.map((entry) => ({
    name,
    title: text(members(entry).title),
    file,
    entry: members(entry),
    program: compiled.program,
  })),
)

/** The store of a file; what the data itself is refused for is compared by the case that expects it. */
function storeOf(program: Program, file: Members) {
  const store = createEntityStore(program)
  const { entities, tuples, problems } = readData(program, file.data)
  const refused = [
    ...entities.flatMap((entity) => store.putEntity(entity)),
    ...tuples.flatMap((tuple) => store.putTuple(tuple)),
  ]
  for (const row of list(file.permissions).map(members)) {
    const permissions = list(row.permissions).map(members)
    store.putRolePermissions(
      text(row.type),
      text(row.role),
      permissions.map((each) => ({ action: text(each.action), resourceType: text(each.resourceType) })),
    )
  }
  return { store, problems: [...problems, ...refused].map(({ code }) => code) }
}

function ask(program: Program, file: Members, entry: Members): Members {
  const { store, problems } = storeOf(program, file)
  if (entry.problems !== undefined) return { problems }
  const asked = readRequest(program, entry.request ?? null)
  if (!asked.ok) return { refused: asked.message }
  const rows = supplyProperties(program, store, asked.supplied)
  const facts = store.overlay(rows, readTuples(program, entry.tuples ?? []).tuples)
  const given = { ...members(file.externs), ...members(entry.externs) }
  const externs = (name: string) => {
    const declared = program.externs.get(name)
    return declared && readValue(given[name], declared.returns)
  }
  const now = readInstant(text(entry.now ?? file.now)) ?? 0
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
  return members(
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
