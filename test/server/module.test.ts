import { describe, expect, test } from '@jest/globals'
import { compileProgram } from '../../policy-lang/index.ts'
import { undeclaredActions } from '../../server/module.ts'

type Routes = Parameters<typeof undeclaredActions>[0]

const policy = `module things

import User from "writ:identity"

entity Thing { }

action see on Thing by User

@id("see")
allow see on Thing to User
`
const { program } = compileProgram([
  { path: 'things.fbac', text: policy, layer: 'module' },
  {
    path: 'own.fbac',
    text: 'entity Extra { }\n\naction look on Extra by anyone\n\n@id("look")\nallow look on Extra to anyone\n',
    layer: 'tenant',
  },
])
/** Only what the check reads. */
const row = (action: string, resourceType: string) =>
  ({ method: 'GET', path: '/x', action, resourceType }) as unknown as Routes[number]

describe('a route of a module (architecture.md: a route without an action does not start)', () => {
  const check = (...routes: Routes) => {
    if (!program) throw new Error('the policy of this test does not compile')
    return undeclaredActions(routes, { program })
  }

  test('with a declared action starts', () => expect(check(row('see', 'Thing'))).toEqual([]))

  test('without an action does not', () => expect(check(row('', 'Thing'))).toEqual(['GET /x names no action']))

  test('with an action that is not declared for its type does not', () => {
    expect(check(row('see', 'User'), row('fly', 'Thing'))).toHaveLength(2)
  })

  test('with an action that only a tenant declares does not', () => expect(check(row('look', 'Extra'))).toHaveLength(1))
})
