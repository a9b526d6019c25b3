import { expect, test } from '@jest/globals'
import { compileProgram, factsOf, relationNeeds } from '../../../policy-lang/index.ts'

const { program } = compileProgram([
  {
    path: 'p.fbac',
    text: `module p

import User, Group from "writ:identity"

entity Store {
  relation agent: User | Group
}
entity Order in Store {
  customer?: User
  total: Int
  hidden: Int
  relation helper: User
  relation canSee = helper or store.agent
}
extern fn risk(user: User): Int within 50ms else fail
action read on Order by User with { to?: User }
action drop on Order by User
@id("a")
allow read on o: Order to agent of o.store or canSee of o
  when o.total > 3 and (has context.to and context.to.status == "active") and risk(subject) < 5
@id("b")
allow drop on o: Order to customer of o
`,
  },
])

test('a plan names what the rules of one action can touch, and nothing else (SPEC 7, facts)', () => {
  if (!program) throw new Error('it does not compile')
  const plan = factsOf(program, 'read', 'User', 'Order')
  expect(plan.externs).toEqual(['risk'])
  expect(plan.resource.relations).toEqual(['canSee'])
  expect(Object.keys(plan.resource.attributes).sort()).toEqual(['store', 'total'])
  expect(plan.resource.attributes.store?.relations).toEqual(['agent'])
  expect(Object.keys(plan.context.attributes.to?.attributes ?? {})).toEqual(['status'])
  expect(factsOf(program, 'drop', 'User', 'Order').resource).toMatchObject({ relations: ['customer'], attributes: {} })
})

test('what a relation needs, one step deep', () => {
  if (!program) throw new Error('it does not compile')
  expect(relationNeeds(program, 'Order', 'canSee')).toEqual({
    attributes: ['store'],
    tuples: [],
    next: [
      { path: [], relation: 'helper' },
      { path: ['store'], relation: 'agent' },
    ],
    holders: [],
  })
  expect(relationNeeds(program, 'Store', 'agent')).toMatchObject({
    tuples: ['agent'],
    holders: [{ type: 'Group', relation: 'member' }],
  })
  expect(relationNeeds(program, 'Order', 'customer')).toMatchObject({ attributes: ['customer'], tuples: [] })
})
