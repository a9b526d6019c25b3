import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createConsistencyTokens } from '../../../server/events/consistency-tokens.ts'
import { anonymous } from '../../../server/http/authentication.ts'
import { createAccounts } from '../../../server/identity/accounts.ts'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const policy = `module desk
import User from "writ:identity"
entity Paper {
  relation reader: User
}
action read on Paper by User
@id("readers")
allow read on p: Paper to reader of p
action sign on Paper by User
@id("known-people")
allow sign on p: Paper to user: User when user.status == "active" and user.emailVerified
`

let server: TestServer
let authorization: string
beforeAll(async () => {
  server = await startServer({ policies: { 'desk.fbac': policy } })
  authorization = await server.accessClient()
})
afterAll(() => server.stop())

const ask = (user: string, action: string, headers: { readonly [name: string]: string } = {}) =>
  fetch(`${server.url}/access/v1/evaluation`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      subject: { type: 'User', id: user },
      action: { name: action },
      resource: { type: 'Paper', id: 'p1' },
    }),
  })
const decisionOf = async (answer: Response) => ((await answer.json()) as { decision: boolean }).decision

async function writeReader(user: string): Promise<string> {
  const answer = await server.admin('POST', '/admin/v1/relations/write', {
    writes: [{ resource: { type: 'Paper', id: 'p1' }, relation: 'reader', subject: { type: 'User', id: user } }],
  })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { consistencyToken: string }).consistencyToken
}

describe('consistency tokens (admin.md §7)', () => {
  test('a write answers one, and a question that carries it sees the write', async () => {
    const token = await writeReader('u1')
    expect(token).toMatch(/^ct_[A-Za-z0-9_-]{32}$/)
    const answer = await ask('u1', 'read', { 'writ-consistency': token })
    expect(await decisionOf(answer)).toBe(true)
  })

  test('an answer carries the position that it was judged at, which is good for the next question', async () => {
    const token = await writeReader('u2')
    const carried = (await ask('u2', 'read')).headers.get('writ-consistency') ?? ''
    expect(carried).toBe(token)
    expect((await ask('u2', 'read', { 'writ-consistency': carried })).status).toBe(200)
  })

  test('full reads everything that has been committed', async () => {
    await writeReader('u3')
    expect(await decisionOf(await ask('u3', 'read', { 'writ-consistency': 'full' }))).toBe(true)
  })

  test('a token that is forged, changed, of another tenant or of a position that never was is refused', async () => {
    const token = await writeReader('u4')
    const tokens = server.kernel.consistency
    const later = tokens.of(server.kernel.tenants.default().id, 1_000_000n)
    const foreign = createConsistencyTokens({ deriveKey: () => new Uint8Array(32) }).of('default', 1n)
    const changed = token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))
    const refused = ['', '5', 'ct_', changed, `${token}AAAA`, tokens.of('other', 1n), later, foreign, '\u00e9']
    for (const header of refused) {
      const answer = await ask('u4', 'read', { 'writ-consistency': header })
      expect([header, answer.status]).toEqual([header, 400])
    }
  })

  test('positions of two tenants do not make each other’s tokens', () => {
    const tokens = createConsistencyTokens({ deriveKey: () => new Uint8Array(32).fill(7) })
    const token = tokens.of('one', 42n)
    expect(tokens.read('one', token)).toBe(42n)
    expect(tokens.read('two', token)).toBeUndefined()
    expect(tokens.of('one', 41n)).not.toBe(token)
    expect(tokens.read('one', tokens.of('one', 41n))).toBe(41n)
  })
})

describe('rows of people are kept for a second, and never past a change (security.md 16)', () => {
  test('what a person becomes counts for the next question', async () => {
    const made = await server.admin('POST', '/admin/v1/users', { email: 'rows@example.com', emailVerified: true })
    const { id } = (await made.json()) as { id: string }
    expect(await decisionOf(await ask(id, 'sign'))).toBe(true)
    const change = await server.admin('PATCH', `/admin/v1/users/${id}`, { emailVerified: false }, { 'if-match': '*' })
    expect(change.status).toBe(200)
    expect(await decisionOf(await ask(id, 'sign'))).toBe(false)
    await server.admin('PATCH', `/admin/v1/users/${id}`, { emailVerified: true }, { 'if-match': '*' })
    expect(await decisionOf(await ask(id, 'sign'))).toBe(true)
    expect((await server.admin('POST', `/admin/v1/users/${id}/disable`)).status).toBe(200)
    expect(await decisionOf(await ask(id, 'sign'))).toBe(false)
  })

  test('one who does not exist yet is refused, and allowed as soon as made', async () => {
    const id = 'aaaaaaaa-0000-4000-8000-000000000001'
    expect(await decisionOf(await ask(id, 'sign'))).toBe(false)
    const { kernel } = server
    const tenantId = kernel.tenants.default().id
    const accounts = createAccounts(kernel.database, tenantId)
    const input = { id, email: 'late@example.com', emailVerified: true }
    await kernel.withTransaction({ tenantId, subject: anonymous }, (unit) =>
      accounts.create(unit, input, server.clock.now()),
    )
    expect(await decisionOf(await ask(id, 'sign'))).toBe(true)
  })
})
