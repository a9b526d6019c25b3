import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import {
  compileProgram,
  createEntityStore,
  createEvaluator,
  type EntityStore,
  type Facts,
  interpret,
  type Program,
  type Request,
} from '../../../policy-lang/index.ts'
import { entity, row, tuple, values } from '../program-kit.ts'

function compile(text: string): Program {
  const { program, diagnostics } = compileProgram([{ path: 'p.fbac', text: `module p\n\n${text}` }])
  if (!program) throw new Error(JSON.stringify(diagnostics.map(({ message }) => message)))
  return program
}
const person = (id: string) => entity('Person', id)
const paper = (id: string) => entity('Paper', id)
const ask = (subject: string, resource: string): Request => ({
  subject: person(subject),
  action: 'read',
  resource: paper(resource),
  context: new Map(),
})

/** Both executors on every pair of these people and papers; the decisions of the interpreter. */
function agree(program: Program, facts: Facts, people: readonly string[], papers: readonly string[]) {
  const { decide } = createEvaluator(program)
  return people.flatMap((who) =>
    papers.map((what) => {
      const wanted = interpret(program, facts, ask(who, what), { now: 0 })
      expect(decide(facts, ask(who, what), { now: 0 })).toEqual(wanted)
      return wanted
    }),
  )
}

const papers = `entity Circle {
}
entity Person in Set<Circle> {
  level: Int
  chief?: Person
}
entity Paper {
  status: String
  owner: Person
  size: Int
  labels: Set<String>
}
action read on Paper by Person
`
const indexed = compile(
  papers +
    ['a', 'b', 'c', 'd', 'e']
      .map((name, at) =>
        [
          `when p.status == "${name}"`,
          `when p.owner == Person::"${name}"`,
          `when u.level > ${at}`,
          `when "${name}" in p.labels and p.size == ${at}`,
          `when u in Circle::"${name}"`,
        ]
          .map(
            (when, shape) =>
              `@id("r-${shape}-${name}")\n${shape === 1 ? 'deny' : 'allow'} read on p: Paper to u: Person\n  ${when}\n`,
          )
          .join('\n'),
      )
      .join('\n'),
)

function loadPapers(store: EntityStore): EntityStore {
  store.putEntity(row(person('a'), { level: 3, circle: values(entity('Circle', 'a'), entity('Circle', 'e')) }))
  store.putEntity(row(person('f'), { level: 0 }))
  store.putEntity(row(person('bare')))
  store.putEntity(row(paper('1'), { status: 'b', owner: person('x'), size: 2, labels: values('a', 'c', 'b') }))
  store.putEntity(row(paper('2'), { status: 'z', owner: person('d'), size: 0, labels: values('a') }))
  store.putEntity(row(paper('3'), { status: 'z', owner: person('x'), size: 9, labels: values() }))
  return store
}

describe('JavaScript (SPEC 7, js)', () => {
  test('rules found by look-up are the rules that an interpreter finds one by one', () => {
    const decisions = agree(
      indexed,
      loadPapers(createEntityStore(indexed)),
      ['a', 'f', 'bare', 'nobody'],
      ['1', '2', '3', 'nowhere'],
    )
    expect(decisions[0]?.reasons).toEqual(['r-0-b', 'r-2-a', 'r-2-b', 'r-2-c', 'r-3-c', 'r-4-a', 'r-4-e'])
    expect(decisions[1]?.reasons).toEqual(['r-1-d'])
    expect(decisions.some(({ errors }) => errors.length > 0)).toBe(true)
  })

  test('the same over an overlay, whose rows win, and over facts that are no graph', () => {
    const store = loadPapers(createEntityStore(indexed))
    const overlay = store.overlay(
      [
        row(paper('3'), { status: 'e', owner: person('e'), size: 0, labels: values('a') }),
        row(person('f'), { level: 2, circle: values(entity('Circle', 'b')) }),
      ],
      [],
    )
    expect(agree(indexed, overlay, ['f'], ['3'])[0]?.reasons).toEqual(['r-1-e'])
    agree(indexed, store.snapshot(), ['a', 'f'], ['1', '2', '3'])
  })

  test('text of a policy never becomes code', () => {
    const hostile = '");globalThis.broken=true;//`\\'
    const program = compile(
      `${papers}@id(${JSON.stringify(hostile)})\nallow read on p: Paper to Person\n  when p.status == ${JSON.stringify(hostile)}\n`,
    )
    const store = createEntityStore(program)
    store.putEntity(row(paper('1'), { status: hostile }))
    expect(agree(program, store, ['a'], ['1'])[0]).toMatchObject({ decision: true, reasons: [hostile] })
    expect('broken' in globalThis).toBe(false)
  })

  test('answers are shared and frozen: nobody can change the next one', () => {
    const store = loadPapers(createEntityStore(indexed))
    const { decide } = createEvaluator(indexed)
    const first = decide(store, ask('a', '1'), { now: 0 })
    expect(decide(store, ask('a', '1'), { now: 0 })).toBe(first)
    expect(Object.isFrozen(first) && Object.isFrozen(first.reasons)).toBe(true)
  })

  test('a store that was made for other types is read by name', () => {
    const other = compile(
      papers.replace('entity Paper {', 'entity Paper {\n  first?: String') +
        '@id("s")\nallow read on p: Paper to Person\n  when p.status == "b"\n',
    )
    const store = loadPapers(createEntityStore(indexed))
    expect(createEvaluator(other).decide(store, ask('a', '1'), { now: 0 })).toEqual(
      interpret(other, store, ask('a', '1'), { now: 0 }),
    )
    expect(createEvaluator(other).allows(store, ask('a', '1'), { now: 0 })).toBe(true)
  })

  test('under --disallow-code-generation-from-strings the interpreter serves', () => {
    const script = fileURLToPath(new URL('./without-code-generation.ts', import.meta.url))
    const out = execFileSync(process.execPath, ['--disallow-code-generation-from-strings', script], {
      encoding: 'utf8',
    })
    expect(JSON.parse(out)).toEqual({ forbidden: true, decision: true, reasons: ['open'] })
  })
})

describe('relations through groups and links (SPEC 3)', () => {
  const program = compile(`entity Person {
}
entity Team {
  relation member: Person | Team
  relation active = member minus barred
  relation barred: Person | Team
}
entity Shelf {
  up?: Shelf
  relation viewer: Person | Team
  relation closed: Person | Team
  relation canView = (viewer or up.canView) minus closed
}
entity Paper in Shelf {
  relation reader: Team.active
  relation canRead = reader or shelf.canView
}
action read on Paper by Person
@id("read")
allow read on p: Paper to canRead of p
`)
  const team = (id: string) => entity('Team', id)
  const shelf = (id: string) => entity('Shelf', id)
  const load = (...tuples: Parameters<EntityStore['putTuple']>[0][]) => {
    const store = createEntityStore(program)
    for (const [id, up] of [['s0'], ['s1', 's0'], ['s2', 's1']])
      store.putEntity(row(shelf(id ?? ''), up ? { up: shelf(up) } : {}))
    store.putEntity(row(paper('p'), { shelf: shelf('s2') }))
    for (const each of tuples) store.putTuple(each)
    return store
  }
  const decided = (store: EntityStore) => agree(program, store, ['ann', 'bob'], ['p']).map(({ decision }) => decision)

  test('cycles of groups end and mean nothing more', () => {
    const cycle = [
      tuple(team('a'), 'member', team('b')),
      tuple(team('b'), 'member', team('a')),
      tuple(person('ann'), 'member', team('a')),
    ]
    expect(decided(load(...cycle, tuple(team('b'), 'viewer', shelf('s0'))))).toEqual([true, false])
    expect(
      decided(load(...cycle, tuple(team('b'), 'viewer', shelf('s0')), tuple(team('b'), 'closed', shelf('s1')))),
    ).toEqual([false, false])
    expect(
      decided(load(...cycle, tuple({ kind: 'one', entity: team('b'), relation: 'active' }, 'reader', paper('p')))),
    ).toEqual([true, false])
    expect(
      decided(
        load(
          ...cycle,
          tuple({ kind: 'one', entity: team('b'), relation: 'active' }, 'reader', paper('p')),
          tuple(team('a'), 'barred', team('b')),
        ),
      ),
    ).toEqual([false, false])
  })

  test('what a cycle has not settled yet never opens a `minus`', () => {
    const members = [
      tuple(team('b'), 'member', team('a')),
      tuple(team('c'), 'member', team('a')),
      tuple(team('a'), 'member', team('b')),
      tuple(person('ann'), 'member', team('c')),
    ]
    const viewers = tuple(team('a'), 'viewer', shelf('s2'))
    expect(decided(load(...members, viewers))).toEqual([true, false])
    expect(decided(load(...members, viewers, tuple(team('b'), 'closed', shelf('s2'))))).toEqual([false, false])
  })

  test('a link that is required and missing is an error, one that is optional adds nothing', () => {
    const store = load(tuple(person('ann'), 'viewer', shelf('s0')))
    expect(decided(store)).toEqual([true, false])
    store.removeEntity(paper('p'))
    expect(agree(program, store, ['ann'], ['p'])[0]?.errors).toEqual([
      { rule: 'read', cause: { code: 'missing', path: 'Paper.shelf' } },
    ])
  })

  test('a chain deeper than the limit is denied with code limit, by both executors', () => {
    const store = createEntityStore(program)
    for (let at = 0; at <= 600; at += 1)
      store.putEntity(row(shelf(`s${at}`), at > 0 ? { up: shelf(`s${at - 1}`) } : {}))
    store.putTuple(tuple(person('ann'), 'viewer', shelf('s0')))
    store.putEntity(row(paper('p'), { shelf: shelf('s600') }))
    store.putEntity(row(paper('q'), { shelf: shelf('s300') }))
    const [deep, shallow] = agree(program, store, ['ann'], ['p', 'q'])
    expect(deep).toMatchObject({ decision: false, code: 'limit' })
    expect(shallow?.decision).toBe(true)
  })
})

describe('what one decision may cost (SPEC 5.13)', () => {
  const program = compile(`
entity Person {
  codes: Set<Int>
}
entity Paper {
  codes: Set<Int>
}
action read on Paper by Person

@id("match")
allow read on p: Paper to u: Person
  when any(a in u.codes: any(b in p.codes: a + b == 0 - 1))
`)
  const numbers = (count: number) => values(...Array.from({ length: count }, (_, at) => at))

  test('sets inside sets are denied with code limit by both executors, and no thread is lost to them', () => {
    const store = createEntityStore(program)
    store.putEntity(row(person('ann'), { codes: numbers(3000) }))
    store.putEntity(row(paper('small'), { codes: numbers(20) }))
    store.putEntity(row(paper('large'), { codes: numbers(3000) }))
    const [small, large] = agree(program, store, ['ann'], ['small', 'large'])
    expect(small).toMatchObject({ decision: false, errors: [] })
    expect(small).not.toHaveProperty('code', 'limit')
    expect(large).toMatchObject({ decision: false, code: 'limit' })
  })
})
