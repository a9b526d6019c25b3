import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  compileProgram,
  createEntityStore,
  createLister,
  type EntityStore,
  type Evaluator,
  interpret,
  type Listed,
  listPage,
  type Program,
  type TupleSubject,
  type Value,
} from '../../../policy-lang/index.ts'
import { entity, row, tuple, values } from '../program-kit.ts'

const schema = `module p

entity Person in Set<Crew> {
  boss?: Person
}
entity Crew {
  relation member: Person | Crew
  role lead: Person | Crew
  role scout: Person
}
entity Folder in up: Folder? {
  owner?: Person
  relation viewer: Person | Crew | any Person
  relation canView = viewer or owner or up.canView
}
entity Paper in folder: Folder? {
  author?: Person
  crew?: Crew
  home: Crew
  readers: Set<Person>
  draft?: Bool
  relation viewer: Person | Crew.member | Crew | anyone
  relation blocked: Person
  relation trusted: Person | Crew
  relation canView = (viewer or folder.canView) minus blocked
  relation both = viewer and trusted
  relation ofEvery = all readers.boss
}
fn reads(person: Person, paper: Paper): Bool = person in paper.readers
action read on Paper by anyone with { who?: Person, paper?: Paper, strong?: Bool }
`

const narrowing = {
  'a stored relation': 'to viewer of p',
  'a computed relation, through groups, folders above and what minus takes away': 'to canView of p',
  'both of two relations': 'to both of p',
  'all over a set': 'to ofEvery of p',
  'an attribute as pattern': 'to author of p',
  'a set as pattern': 'to readers of p',
  'a role of what an attribute leads to': 'to lead of p.crew',
  'equality with who asks': 'to q: Person when has p.author and p.author == q',
  'membership in a set': 'to q: Person when q in p.readers',
  'a constant': 'to q: Person when q == Person::"a" or p == Paper::"1"',
  'what lies below an entity': 'to q: Person when p in Folder::"f1" and q in Crew::"g1"',
  'what somebody is below': 'to q: Person when has p.crew and q in p.crew',
  'an alternative for each': 'to q: Person when q in p.readers or (has p.author and p.author == q)',
  'a condition that does not hang on the list': 'to anyone when has context.who and context.who == Person::"b"',
  'what an argument names': 'to anyone when has context.paper and p == context.paper',
  'a function': 'to q: Person when reads(q, p)',
  'a way of two steps': 'to owner of p.folder',
  'roles that the data gives permissions': 'to permitted of p.home',
} as const

const programOf = (rule: string): Program => {
  const { program, diagnostics } = compileProgram([
    { path: 'p.fbac', text: `${schema}\n@id("r")\nallow read on p: Paper ${rule}\n` },
  ])
  if (!program) throw new Error(JSON.stringify(diagnostics))
  return program
}

const person = (id: string) => entity('Person', id)
const crew = (id: string) => entity('Crew', id)
const folder = (id: string) => entity('Folder', id)
const paper = (id: string) => entity('Paper', id)
const people = ['a', 'b', 'c'].map(person)
const crews = ['g0', 'g1', 'g2'].map(crew)
const folders = ['f0', 'f1', 'f2'].map(folder)
const papers = ['0', '1', '2', '3'].map(paper)
const oneOf = <Item>(items: readonly Item[]) => fc.constantFrom(...items)
const maybe = <Item>(items: readonly Item[]) => fc.option(oneOf(items), { nil: undefined })
const given = (attributes: { readonly [name: string]: Value | undefined }): { readonly [name: string]: Value } =>
  Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  )

const anyRows = fc.tuple(
  ...people.map((uid) =>
    fc
      .record({ boss: maybe(people), crew: fc.subarray(crews) })
      .map((has) => row(uid, given({ ...has, crew: values(...has.crew) }))),
  ),
  ...folders.map((uid, index) =>
    fc
      .record({ up: index === 0 ? fc.constant(undefined) : maybe(folders.slice(0, index)), owner: maybe(people) })
      .map((has) => row(uid, given(has))),
  ),
  ...papers.slice(0, 3).map((uid) =>
    fc
      .record({
        author: maybe(people),
        crew: maybe(crews),
        home: maybe(crews),
        folder: maybe(folders),
        readers: fc.subarray(people),
      })
      .map((has) => row(uid, given({ ...has, readers: values(...has.readers) }))),
  ),
)
const anyone: TupleSubject = { kind: 'anyone' }
const anyTuples = fc.array(
  fc.oneof(
    fc.tuple(oneOf([...people, ...crews]), oneOf(crews)).map(([who, at]) => tuple(who, 'member', at)),
    fc.tuple(oneOf([...people, ...crews]), oneOf(crews)).map(([who, at]) => tuple(who, 'lead', at)),
    fc.tuple(oneOf(people), oneOf(crews)).map(([who, at]) => tuple(who, 'scout', at)),
    fc.tuple(oneOf([...people, ...crews]), oneOf(crews)).map(([who, at]) => tuple(who, 'invented', at)),
    fc.tuple(oneOf([...people, ...crews]), oneOf(folders)).map(([who, at]) => tuple(who, 'viewer', at)),
    fc.tuple(oneOf([...people, ...crews]), oneOf(papers)).map(([who, at]) => tuple(who, 'viewer', at)),
    fc.tuple(oneOf([...people, ...crews]), oneOf(papers)).map(([who, at]) => tuple(who, 'trusted', at)),
    fc.tuple(oneOf(people), oneOf(papers)).map(([who, at]) => tuple(who, 'blocked', at)),
    fc
      .tuple(oneOf(crews), oneOf(papers))
      .map(([at, of]) => tuple({ kind: 'one', entity: at, relation: 'member' }, 'viewer', of)),
    oneOf(papers).map((of) => tuple(anyone, 'viewer', of)),
    oneOf(folders).map((of) => tuple({ kind: 'anyOf', type: 'Person' }, 'viewer', of)),
  ),
  { maxLength: 10 },
)

type Side = Pick<Listed, 'side' | 'request'>
const sides = (context: Listed['request']['context']): readonly Side[] => [
  ...people.map(
    (subject): Side => ({ side: 'resource', request: { subject, action: 'read', resource: paper(''), context } }),
  ),
  ...papers.map(
    (resource): Side => ({ side: 'subject', request: { subject: person(''), action: 'read', resource, context } }),
  ),
]

function checked(program: Program, store: EntityStore, { side, request }: Side): readonly string[] {
  const ids = side === 'resource' ? papers : people
  const named = new Set(store.idsNamed(request[side].type))
  const text = JSON.stringify([program.rules, [...request.context.values()]])
  return ids
    .filter((each) => named.has(each.id) || text.includes(JSON.stringify(each)))
    .filter((each) => interpret(program, store, { ...request, [side]: each }, { now: 0 }).decision)
    .map(({ id }) => id)
}

describe('lists are narrowed, and stay complete (SPEC 8.2)', () => {
  for (const [name, text] of Object.entries(narrowing)) {
    test(name, () => {
      const program = programOf(text)
      const lister = createLister(program)
      let narrowed = 0
      fc.assert(
        fc.property(anyRows, anyTuples, maybe(people), maybe(papers), (rows, tuples, who, what) => {
          const store = createEntityStore(program)
          for (const each of rows) store.putEntity(each)
          for (const each of tuples) store.putTuple(each)
          store.putRolePermissions('Crew', 'scout', [{ action: 'read', resourceType: 'Paper' }])
          store.putRolePermissions('Crew', 'invented', [{ action: 'read', resourceType: 'Paper' }])
          const context = new Map(Object.entries(given({ who, paper: what })))
          for (const each of sides(context)) {
            const listed = { ...each, facts: store, store, options: { now: 0 } }
            if (lister.candidates(listed, { after: undefined, count: 100 }).isNarrowed) narrowed += 1
            const decide: Evaluator['decide'] = (...question) => interpret(program, ...question)
            const { ids } = listPage(lister, { ...listed, decide }, { after: undefined, limit: 100, checks: 100 })
            expect(ids).toEqual(checked(program, store, each))
          }
        }),
        { numRuns: 150 },
      )
      expect(narrowed).toBeGreaterThan(0)
    })
  }
})
