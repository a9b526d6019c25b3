import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startServer, type TestServer } from '../../kit/start-server.ts'
import { recordPolicies } from './record-policies.ts'

type Results = { readonly page: { readonly next_token: string; readonly count: number }; readonly results: object[] }

let server: TestServer
let authorization: string
beforeAll(async () => {
  server = await startServer({
    policies: {
      'records.fbac': recordPolicies['records.fbac'].replace(
        'allow read on Record to Person',
        'allow read on Record to person: Person\n  when person in [Person::"alice", Person::"bob"]',
      ),
    },
  })
  authorization = await server.accessClient()
  for (const [path, attributes] of [
    ['user/alice', {}],
    ['user/bob', { role: 'admin' }],
    ['record/record-1', { status: 'active' }],
    ['record/record-2', { status: 'archived' }],
  ] as const) {
    expect((await server.admin('PUT', `/admin/v1/entities/${path}`, { attributes })).status).toBeLessThan(300)
  }
})
afterAll(() => server.stop())

const search = (what: string, body: unknown, headers: { readonly [name: string]: string } = {}) =>
  fetch(`${server.url}/access/v1/search/${what}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const found = async (what: string, body: unknown): Promise<Results> => {
  const response = await search(what, body)
  expect(response.status).toBe(200)
  return (await response.json()) as Results
}

type Case = {
  readonly section: string
  readonly title: string
  readonly label?: string
  readonly endpoint?: string
  readonly request?: { readonly page?: { readonly token?: string } }
  readonly status: number
  readonly expected?: { readonly results?: readonly object[] }
}
const fixture = new URL('../../../../shared/fixtures/authzen/certification-scenario.json', import.meta.url)
const cases: readonly Case[] = existsSync(fixture)
  ? (JSON.parse(readFileSync(fixture, 'utf8')) as { cases: Case[] }).cases.filter(({ endpoint }) =>
      endpoint?.startsWith('search/'),
    )
  : []

describe('AuthZEN 1.0 certification scenario, searches', () => {
  if (cases.length === 0) {
    // biome-ignore lint/suspicious/noConsole: a suite that does not run says so
    console.warn('the AuthZEN fixture is absent: the searches of the certification scenario are not run')
    test('fixture absent: searches not run', () => expect(existsSync(fixture)).toBe(false))
  }
  for (const [index, each] of cases.entries()) {
    test(`${index} ${each.section} ${each.title} ${each.label ?? ''}`, async () => {
      const what = each.endpoint?.slice('search/'.length) ?? ''
      const { page, ...request } = each.request ?? {}
      const first = page?.token === undefined ? undefined : await found(what, { ...request, page: { limit: 1 } })
      const asked = first ? { ...request, page: { token: first.page.next_token } } : each.request
      const response = await search(what, asked)
      expect(response.status).toBe(each.status)
      if (response.status !== 200) return
      const { results } = (await response.json()) as Results
      expect(results).toEqual(expect.arrayContaining([...(each.expected?.results ?? [])]))
      if (each.expected?.results?.length === 0) expect(results).toEqual([])
    })
  }
})
