import { expect, test } from '@jest/globals'
import { compileProgram, createEntityStore, createEvaluator, interpret } from '../../../policy-lang/index.ts'
import { entity, row, tuple, user } from '../program-kit.ts'

const { program, diagnostics } = compileProgram([
  {
    path: 'p.fbac',
    text: `module p

import User, Group, Organization from "writ:identity"

entity Paper in Organization {
}
extend entity Organization {
  role clerk: User | Group
}
action read on Paper by User
action edit on Paper by User implies read
action drop on Paper by User
@id("roles")
allow any on p: Paper to permitted of p.organization
`,
  },
])

test('`permitted of` follows stored permissions of declared and invented roles, through groups, until they end (SPEC 3)', () => {
  if (!program) throw new Error(JSON.stringify(diagnostics))
  const store = createEntityStore(program)
  const house = entity('Organization', 'o')
  store.putEntity(row(entity('Paper', 'p'), { organization: house }))
  store.putRolePermissions('Organization', 'clerk', [{ action: 'read', resourceType: 'Paper' }])
  store.putRolePermissions('Organization', 'invented', [{ action: 'edit', resourceType: 'Paper' }])
  store.putRolePermissions('Organization', 'other', [{ action: 'drop', resourceType: 'Folder' }])
  store.putTuple(tuple(user('ann'), 'clerk', house))
  store.putTuple(tuple(entity('Group', 'g'), 'invented', house))
  store.putTuple(tuple(user('bob'), 'member', entity('Group', 'g')))
  store.putTuple(tuple(user('eve'), 'invented', house, { until: 10 }))
  store.putTuple(tuple(user('eve'), 'other', house))
  const { decide } = createEvaluator(program)
  const may = (who: string, action: string, now = 10) => {
    const request = { subject: user(who), action, resource: entity('Paper', 'p'), context: new Map() }
    const decision = interpret(program, store, request, { now })
    expect(decide(store, request, { now })).toEqual(decision)
    return decision.decision
  }
  expect([may('ann', 'read'), may('ann', 'edit'), may('ann', 'drop')]).toEqual([true, false, false])
  // The permission to edit flows down to read with the rule (SPEC 3, implies).
  expect([may('bob', 'read'), may('bob', 'edit'), may('bob', 'drop')]).toEqual([true, true, false])
  expect([may('eve', 'edit', 9), may('eve', 'edit'), may('eve', 'drop'), may('nobody', 'read')]).toEqual([
    true,
    false,
    false,
    false,
  ])
})
