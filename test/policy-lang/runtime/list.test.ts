import { describe, expect, test } from '@jest/globals'
import {
  compileProgram,
  createEntityStore,
  createEvaluator,
  listActions,
  listResources,
  listSubjects,
} from '../../../policy-lang/index.ts'
import { entity, row, tuple, user } from '../program-kit.ts'

const { program } = compileProgram([
  {
    path: 'p.fbac',
    text: `module p

import User, Group from "writ:identity"

entity Paper {
  relation viewer: User | Group | any User
  relation blocked: User
}
action read, edit on Paper by User
@id("view")
allow read on p: Paper to viewer of p
@id("blocked")
deny read on p: Paper to blocked of p
`,
  },
])
const paper = (id: string) => entity('Paper', id)

function load() {
  if (!program) throw new Error('it does not compile')
  const store = createEntityStore(program)
  for (const id of ['b', 'a', 'c']) store.putEntity(row(paper(id)))
  for (const id of ['ann', 'bob', '*']) store.putEntity(row(user(id)))
  store.putTuple(tuple(entity('Group', 'g'), 'viewer', paper('a')))
  store.putTuple(tuple(user('ann'), 'member', entity('Group', 'g')))
  store.putTuple(tuple({ kind: 'anyOf', type: 'User' }, 'viewer', paper('b')))
  store.putTuple(tuple(user('bob'), 'blocked', paper('b')))
  return { program, question: { facts: store, context: new Map(), options: { now: 0 } } }
}

describe('lists are complete and sorted (SPEC 7, listing)', () => {
  test('resources, by the interpreter and by compiled code', () => {
    const { program: compiled, question } = load()
    const asked = { ...question, action: 'read', type: 'Paper' }
    expect(listResources(compiled, { ...asked, subject: user('ann') })).toEqual(['a', 'b'])
    expect(listResources(compiled, { ...asked, subject: user('bob') })).toEqual([])
    const { decide } = createEvaluator(compiled)
    expect(listResources(compiled, { ...asked, subject: user('ann'), decide })).toEqual(['a', 'b'])
  })

  test('subjects: `*` where everyone of the type may, and those whom the data knows', () => {
    const { program: compiled, question } = load()
    const asked = { ...question, action: 'read', type: 'User' }
    expect(listSubjects(compiled, { ...asked, resource: paper('a') })).toEqual(['ann'])
    expect(listSubjects(compiled, { ...asked, resource: paper('b') })).toEqual(['*', 'ann'])
    expect(listSubjects(compiled, { ...asked, resource: paper('c') })).toEqual([])
  })

  test('actions; of an unknown action or type nothing is listed', () => {
    const { program: compiled, question } = load()
    expect(listActions(compiled, { ...question, subject: user('ann'), resource: paper('a') })).toEqual(['read'])
    expect(listActions(compiled, { ...question, subject: user('ann'), resource: entity('Nope', 'a') })).toEqual([])
    expect(listResources(compiled, { ...question, subject: user('ann'), action: 'nope', type: 'Paper' })).toEqual([])
  })
})
