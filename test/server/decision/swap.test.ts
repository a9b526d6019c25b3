import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const documents = (rule: string) => ({
  'documents.fbac': `
entity Document {
  status?: String
  @suppliable score?: Int
}

action read on Document by anyone with { level?: Int }

@id("read")
allow read on document: Document to anyone
${rule}
`,
})

let server: TestServer
let authorization: string
beforeAll(async () => {
  server = await startServer({ policies: documents('') })
  authorization = await server.accessClient()
})
afterAll(() => server.stop())

async function decide(resource: object = { type: 'Document', id: 'd1' }) {
  const response = await fetch(`${server.url}/access/v1/evaluation`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ subject: { type: 'User', id: 'nobody' }, action: { name: 'read' }, resource }),
  })
  const body = (await response.json()) as { decision: boolean; context: { policyVersion: string } }
  return { status: response.status, ...body }
}

describe('a policy swap (admin.md §3)', () => {
  test('every answer in the middle of one is of the version before or after, and none is dropped', async () => {
    await server.activate(documents(''))
    const before = (await decide()).context.policyVersion
    const answers = Array.from({ length: 40 }, () => decide())
    await server.activate(documents('  when false'))
    answers.push(...Array.from({ length: 40 }, () => decide()))
    const settled = await Promise.all(answers)
    const after = (await decide()).context.policyVersion
    expect(after).not.toBe(before)
    for (const { status, decision, context } of settled) {
      expect(status).toBe(200)
      expect(decision).toBe(context.policyVersion === before)
      expect([before, after]).toContain(context.policyVersion)
    }
    expect((await decide()).decision).toBe(false)
  })

  test('a version that is altered in the database is refused with an alarm, and the last good one stays', async () => {
    await server.activate(documents(''))
    const { version } = (await server.kernel.policies.current('default')) as { version: string }
    await server.kernel.withTransaction(
      { tenantId: 'default', subject: { kind: 'entity', type: 'User', id: 'x' } },
      async (unit) => {
        await server.kernel.database.query({
          name: '',
          text: `update policy_version set files = '{"documents.fbac": "entity Hacked { }"}' where set_name = 'test' and version = (select active_version from policy_set where name = 'test' and tenant_id = 'default')`,
        })
        unit.changed({ kind: 'policySet', name: 'test' })
      },
    )
    expect((await server.kernel.policies.settled('default')).version).toBe(version)
    expect(server.log.some((line) => line.includes('policy_refused'))).toBe(true)
    expect((await decide()).decision).toBe(true)
    await server.activate(documents('  when true'))
    expect((await decide()).decision).toBe(true)
  })
})

describe('errors fail closed over HTTP (SPEC 5)', () => {
  test('an erroring deny denies', async () => {
    await server.activate({
      'documents.fbac': `${documents('')['documents.fbac']}
@id("broken")
deny read on document: Document to anyone
  when (document.score ?? 0) + 9223372036854775807 < 0
`,
    })
    expect((await decide()).decision).toBe(true)
    expect((await decide({ type: 'Document', id: 'd1', properties: { score: 1 } })).decision).toBe(false)
  })

  test('an erroring allow does not count', async () => {
    await server.activate(documents('  when (document.score ?? 0) + 9223372036854775807 > 0'))
    expect((await decide()).decision).toBe(true)
    expect((await decide({ type: 'Document', id: 'd1', properties: { score: 1 } })).decision).toBe(false)
  })
})
