import { Agent, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const documents = (rule: string, writing = 'when false') => ({
  'documents.fbac': `
entity Document {
  status?: String
  @suppliable score?: Int
}

action read on Document by anyone with { level?: Int }
action write on Document by anyone

@id("read")
allow read on document: Document to anyone
${rule}
@id("write")
allow write on document: Document to anyone
  ${writing}
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

type Judged = { readonly decision: boolean; readonly context: { readonly policyVersion: string } }

/** Reading and writing, asked in one request. */
function decideBoth(agent: Agent): Promise<{ status: number; decisions: boolean[]; versions: string[] }> {
  const body = JSON.stringify({
    subject: { type: 'User', id: 'nobody' },
    resource: { type: 'Document', id: 'd1' },
    evaluations: [{ action: { name: 'read' } }, { action: { name: 'write' } }],
  })
  const headers = { authorization, 'content-type': 'application/json', 'content-length': body.length }
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}/access/v1/evaluations`, { method: 'POST', agent, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      answer.on('end', () => {
        const { evaluations } = JSON.parse(text) as { readonly evaluations: readonly Judged[] }
        resolve({
          status: answer.statusCode ?? 0,
          decisions: evaluations.map(({ decision }) => decision),
          versions: evaluations.map(({ context }) => context.policyVersion),
        })
      })
    })
    sent.on('error', reject).end(body)
  })
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

  test('10,000 requests in flight: each is wholly old or wholly new, with every decision in it', async () => {
    const turns = { old: documents('', 'when false'), new: documents('  when false', '') }
    await server.activate(turns.old)
    const agent = new Agent({ keepAlive: true, maxSockets: 128 })
    const answers = Array.from({ length: 10_000 }, () => decideBoth(agent))
    let settled = 0
    for (const answer of answers) answer.then(() => (settled += 1)).catch(() => undefined)
    for (const turn of ['new', 'old', 'new'] as const) await server.activate(turns[turn])
    // The swaps fell into the middle.
    expect(settled).toBeLessThan(10_000)
    const counts = new Map<string, number>()
    for (const { status, decisions, versions } of await Promise.all(answers)) {
      expect([status, new Set(versions).size]).toEqual([200, 1])
      const seen = `${versions[0]} ${decisions.join()}`
      counts.set(seen, (counts.get(seen) ?? 0) + 1)
    }
    agent.destroy()
    // One version, one answer: never the one decision of the old rules and the other of the new.
    expect([...counts.keys()].map((seen) => seen.split(' ')[1]).sort()).toEqual(['false,true', 'true,false'])
  }, 120_000)

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
