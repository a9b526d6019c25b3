import { expect, test } from '@jest/globals'
import {
  compileProgram,
  createEntityStore,
  createEvaluator,
  type Facts,
  interpret,
  type Program,
} from '../../../policy-lang/index.ts'
import { entity, row, user } from '../program-kit.ts'

const text = `import User from "writ:identity"
entity Vault { }
entity Shelf in Vault { }
entity Paper in Shelf { }
action look on Paper by User
allow look on p: Paper to User
@id("secret")
deny look on p: Paper to User when p in Vault::"secret"
`
const compiled = compileProgram([{ path: 'links.fbac', text }])
function built(): Program {
  if (!compiled.program) throw new Error(JSON.stringify(compiled.diagnostics))
  return compiled.program
}
const program = built()
const { decide } = createEvaluator(program)
const [paper, shelf, vault] = [entity('Paper', 'p'), entity('Shelf', 's'), entity('Vault', 'v')]
const shelfIn = row(shelf, { vault })

function errorsOf(facts: Facts): readonly string[] {
  const request = { subject: user('u'), action: 'look', resource: paper, context: new Map() }
  const decision = decide(facts, request, { now: 0 })
  expect(decision).toEqual(interpret(program, facts, request, { now: 0 }))
  expect(decision.decision).toBe(decision.errors.length === 0)
  return decision.errors.map(({ cause }) => cause.path ?? '')
}

function whole() {
  const store = createEntityStore(program)
  store.putEntity(row(paper, { shelf }))
  store.putEntity(shelfIn)
  return store
}

test('a missing required link is E for whatever lies below it, as links come and go (SPEC 5.5)', () => {
  const store = whole()
  expect(errorsOf(store)).toEqual([])
  store.removeEntity(shelf)
  expect(errorsOf(store)).toEqual(['Shelf.vault'])
  store.putEntity(shelfIn)
  expect(errorsOf(store)).toEqual([])
  store.putEntity(row(paper))
  expect(errorsOf(store)).toEqual(['Paper.shelf'])
})

test('a snapshot keeps the chain that it has seen (SPEC 5.5)', () => {
  const store = whole()
  const before = store.snapshot()
  store.removeEntity(shelf)
  const after = store.snapshot()
  store.putEntity(shelfIn)
  expect(errorsOf(before)).toEqual([])
  expect(errorsOf(after)).toEqual(['Shelf.vault'])
})

test('rows of a request break a chain and mend one (SPEC 5.5)', () => {
  const store = whole()
  expect(errorsOf(store.overlay([row(shelf)], []))).toEqual(['Shelf.vault'])
  expect(errorsOf(store.overlay([row(paper)], []))).toEqual(['Paper.shelf'])
  store.removeEntity(shelf)
  expect(errorsOf(store.overlay([shelfIn], []))).toEqual([])
  store.removeEntity(paper)
  expect(errorsOf(store.overlay([row(paper, { shelf }), shelfIn], []))).toEqual([])
})

test('links to the type itself are optional, one or many: a root below nothing is not below, and no E (SPEC 3.1, 5.5)', () => {
  const { program: views } = compileProgram([
    {
      path: 'views.fbac',
      text: `import User from "writ:identity"
entity View in Set<View> { }
action look on View by User
allow look on v: View to User
@id("secret")
deny look on v: View to User when v in View::"secret"
`,
    },
  ])
  if (!views) throw new Error('it does not compile')
  const store = createEntityStore(views)
  const request = { subject: user('u'), action: 'look', resource: entity('View', 'root'), context: new Map() }
  expect(createEvaluator(views).decide(store, request, { now: 0 })).toMatchObject({ decision: true, errors: [] })
  store.putEntity(row(entity('View', 'root'), { view: { kind: 'set', items: [entity('View', 'secret')] } }))
  expect(createEvaluator(views).decide(store, request, { now: 0 })).toMatchObject({ decision: false, errors: [] })
})
