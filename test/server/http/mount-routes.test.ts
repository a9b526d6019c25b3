import { describe, expect, test } from '@jest/globals'
import { compileProgram, type Program } from '../../../policy-lang/index.ts'
import type { Route } from '../../../server/http/route.ts'
import { createRouteIndex } from '../../../server/http/route-index.ts'
import { mountRoutes } from '../../../server/http/serve-route.ts'

function programOf(text: string): Program {
  const { program, diagnostics } = compileProgram([{ path: 'x.fbac', text }])
  if (!program) throw new Error(JSON.stringify(diagnostics))
  return program
}

const program = programOf('entity Thing { }\n\naction read on Thing by anyone\n\nallow read on Thing to anyone\n')
const row = (over: Partial<Route<never, never>>): Route<never, never> => ({
  method: 'GET',
  path: '/things',
  summary: '',
  action: 'read',
  resourceType: 'Thing',
  resource: () => ({ resource: { kind: 'entity', type: 'Thing', id: '' } }),
  handle: async () => ({}),
  ...over,
})
const mount = (...routes: Route<never, never>[]) =>
  mountRoutes([{ basePath: '/x/v1', audiences: ['/x'], routes }], program)

describe('a route without an action does not start (security.md 10)', () => {
  test('a declared action mounts', () => {
    expect(mount(row({})).find('GET', '/x/v1/things')).toMatchObject({ row: { pattern: '/x/v1/things' } })
  })
  test.each([
    ['no action', { action: '' }],
    ['an action that nothing declares', { action: 'fly' }],
    ['a type that the action is not on', { resourceType: 'Other' }],
  ])('%s is refused by name', (_, over) => {
    expect(() => mount(row(over))).toThrow('GET /x/v1/things')
  })
  test('two rows of one method and path are refused', () => {
    expect(() => mount(row({}), row({}))).toThrow('two routes')
  })
})

describe('finding a row', () => {
  const index = createRouteIndex(
    ['/a', '/a/:id', '/a/fixed', '/a/:id/b', '/files/*key'].map((pattern) => ({
      method: 'GET',
      pattern,
      row: pattern,
    })),
  )
  test.each([
    ['/a', '/a', {}],
    ['/a/fixed', '/a/fixed', {}],
    ['/a/x%2Fy', '/a/:id', { id: 'x/y' }],
    ['/a/fixed/b', '/a/:id/b', { id: 'fixed' }],
    ['/files/x/y%20z', '/files/*key', { key: 'x/y z' }],
  ])('%s is %s', (path, pattern, params) => {
    expect(index.find('GET', path)).toEqual({ row: pattern, params })
  })
  test.each(['/', '/a/', '/b', '/files/', '/a/x/c'])('%s is nothing', (path) => {
    expect(index.find('GET', path)).toBeUndefined()
  })
  test('HEAD is answered by GET, another method by what is allowed', () => {
    expect(index.find('HEAD', '/a')).toMatchObject({ row: '/a' })
    expect(index.find('PUT', '/a')).toEqual({ allow: ['GET'] })
  })
})
