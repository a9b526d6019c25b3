import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { DatabaseError } from '../../../adapters/database/port.ts'
import { anonymous } from '../../../server/http/authentication.ts'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const policy = `import User from "writ:identity"
entity Paper { }
action read on Paper by User
allow read on Paper to User
`
let server: TestServer
let authorization: string
beforeAll(async () => {
  server = await startServer({ policies: { 'p.fbac': policy } })
  authorization = await server.accessClient()
})
afterAll(() => server.stop())

const ask = () =>
  fetch(`${server.url}/access/v1/evaluation`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({
      subject: { type: 'User', id: 'u' },
      action: { name: 'read' },
      resource: { type: 'Paper', id: 'p' },
    }),
  })

test('rules that are known to have changed and cannot be read answer nobody, until they are read (admin.md §10)', async () => {
  const { kernel } = server
  const tenantId = kernel.tenants.default().id
  expect((await ask()).status).toBe(200)
  const { database } = kernel
  const { query } = database
  let isAway = true
  Object.assign(database, {
    query: (statement: { readonly name: string }, values?: readonly unknown[]) =>
      isAway && statement.name === 'policy-active'
        ? Promise.reject(new DatabaseError('unavailable', undefined, undefined))
        : query.call(database, statement as Parameters<typeof query>[0], values as Parameters<typeof query>[1]),
  })
  try {
    await kernel.withTransaction({ tenantId, subject: anonymous }, async (unit) =>
      unit.changed({ kind: 'policySet', name: 'test' }),
    )
    await expect(kernel.policies.settled(tenantId)).rejects.toBeInstanceOf(DatabaseError)
    const refused = await ask()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(503)
    isAway = false
    expect((await ask()).status).toBe(200)
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
  } finally {
    Object.assign(database, { query })
  }
})
