import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  compileProgram,
  createEntityStore,
  createEvaluator,
  type Facts,
  interpret,
  type Program,
  type Request,
} from '../../../policy-lang/index.ts'
import { entity, row, values } from '../program-kit.ts'

const actions = ['a0', 'a1', 'a2', 'a3', 'a4', 'a5']
const rules = actions.flatMap((action, at) =>
  Array.from({ length: 4 }, (_, n) =>
    [
      `u.department == "d${n}"`,
      `u in Team::"t${n}"`,
      `"l${n}" in d.labels`,
      `d.status == "s${n}" and u.level > ${n}`,
      `d in Folder::"f${n}"`,
      `d.owner == Person::"p${n}"`,
      `u.level > ${n + 1} and d.size < ${n}`,
    ]
      // Not every action has every look-up.
      .filter((_, which) => (which + at) % 3 !== 0)
      .map(
        (when, which) =>
          `@id("${action}-${n}-${which}")\nallow ${action} on d: Document to u: Person\n  when ${when}\n`,
      )
      .join('\n'),
  ),
)
function compiled(text: string): Program {
  const { program, diagnostics } = compileProgram([{ path: 'own.fbac', text }])
  if (!program) throw new Error(diagnostics.map(({ message }) => message).join('; '))
  return program
}
const source = `module own

entity Team in up: Team? {
}
entity Folder in up: Folder? {
}
entity Person in teams: Set<Team> {
  department: String
  level: Int
}
entity Document in folder: Folder? {
  status?: String
  labels: Set<String>
  owner: Person
  size: Int
}
action ${actions.join(', ')} on Document by Person

${rules.join('\n')}`
const program = compiled(source)

const digit = fc.nat(4)
const known = fc.nat(2)
const person = (id: number) => entity('Person', `p${id}`)
const document = (id: number) => entity('Document', `x${id}`)
const link = (type: string, prefix: string, id: number | undefined) =>
  id === undefined ? {} : { up: entity(type, `${prefix}${id}`) }

type Write = ReturnType<typeof row> | ReturnType<typeof person>
/** Whole rows, rows that lack something, rows that go; links only to larger numbers, so that none is a cycle. */
const write: fc.Arbitrary<Write> = fc.oneof(
  fc.tuple(known, digit, fc.nat(6), fc.subarray([0, 1, 2, 3])).map(([id, department, level, teams]) =>
    row(person(id), {
      department: `d${department}`,
      level,
      ...(level === 6 ? {} : { teams: values(...teams.map((team) => entity('Team', `t${team}`))) }),
    }),
  ),
  fc
    .tuple(known, digit, digit, fc.option(digit), fc.subarray(['l0', 'l1', 'l2', 'other']))
    .map(([id, status, owner, folder, labels]) =>
      row(document(id), {
        ...(status === 4 ? {} : { status: `s${status}` }),
        ...(folder === null ? {} : { folder: entity('Folder', `f${folder}`) }),
        labels: values(...labels),
        owner: person(owner),
        size: status,
      }),
    ),
  fc
    .tuple(digit, fc.option(digit))
    .map(([id, up]) => row(entity('Team', `t${id}`), link('Team', 't', up !== null && up > id ? up : undefined))),
  fc
    .tuple(digit, fc.option(digit))
    .map(([id, up]) => row(entity('Folder', `f${id}`), link('Folder', 'f', up !== null && up > id ? up : undefined))),
  digit.map(person),
  digit.map(document),
)

/** Somebody and something of which all is known: what lacks an attribute is the interpreter's. */
const beginning = [0, 1, 2].flatMap((at) => [
  row(person(at), { department: `d${at}`, level: at, teams: values(entity('Team', `t${at}`)) }),
  row(document(at), { folder: entity('Folder', `f${at}`), labels: values(`l${at}`), owner: person(at), size: at }),
])

const requests: readonly Request[] = actions.flatMap((action) =>
  [0, 1, 2].flatMap((who) =>
    [0, 1, 2].map((what) => ({ subject: person(who), action, resource: document(what), context: new Map() })),
  ),
)

describe('what nodes remember (SPEC 8)', () => {
  test('is forgotten with every write, and never read by views, overlays or later programs', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(write, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 }),
        (batches) => {
          const store = createEntityStore(program)
          for (const each of beginning) store.putEntity(each)
          let evaluator = createEvaluator(program)
          const agrees = (facts: Facts): void => {
            for (const request of requests) {
              const wanted = interpret(program, facts, request, { now: 0 })
              expect(evaluator.decide(facts, request, { now: 0 })).toEqual(wanted)
            }
          }
          for (const [at, batch] of batches.entries()) {
            agrees(store)
            const view = store.snapshot()
            for (const each of batch) {
              if ('attributes' in each) store.putEntity(each)
              else store.removeEntity(each)
            }
            agrees(view)
            agrees(store)
            agrees(
              store.overlay(
                [
                  row(entity('Team', 't0'), { up: entity('Team', 't3') }),
                  row(person(1), { department: 'd2', level: 3 }),
                ],
                [],
              ),
            )
            if (at % 3 === 2) evaluator = createEvaluator(program)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('belongs to one set of rules: others of the same schema look for themselves', () => {
    const store = createEntityStore(program)
    store.putEntity(row(person(0), { department: 'd0', level: 0, teams: values() }))
    store.putEntity(row(document(0), { labels: values(), owner: person(4), size: 9 }))
    const later = compiled(source.replaceAll('"d0"', '"d9"'))
    const ask = { subject: person(0), action: 'a1', resource: document(0), context: new Map() }
    expect(createEvaluator(program).allows(store, ask, { now: 0 })).toBe(true)
    expect(createEvaluator(later).allows(store, ask, { now: 0 })).toBe(false)
    expect(createEvaluator(program).allows(store, ask, { now: 0 })).toBe(true)
  })
})
