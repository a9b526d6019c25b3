import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const policies = {
  'papers.fbac': `import User from "writ:identity"

entity Paper {
  owner?: User
  @personal diagnosis?: String
  grade: Int
  relation viewer: User
}
action read on Paper by User with { purpose?: String }

@id("viewer")
allow read on p: Paper to viewer of p
  when (context.purpose ?? "") == "care" and p.grade < 5
@id("secret")
deny read on p: Paper to User
  when (p.diagnosis ?? "") == "x"
  because "This paper is closed."
@id("confirmed")
deny read on Paper to user: User
  unless user.emailVerified
`,
}

type Explained = {
  readonly decision: boolean
  readonly reasons: readonly string[]
  readonly rules: readonly {
    readonly id: string
    readonly outcome: string
    readonly builtIn: boolean
    readonly conditions: readonly { readonly text: string; readonly outcome: string; readonly values: object[] }[]
  }[]
  readonly nearMiss?: { readonly changes: readonly { readonly text: string }[] }
  readonly policyVersion: string
}

let server: TestServer
let ann = ''
beforeAll(async () => {
  server = await startServer({ policies })
  const made = await server.admin('POST', '/admin/v1/users', { email: 'ann@example.test', emailVerified: true })
  ann = ((await made.json()) as { id: string }).id
  await server.admin('PUT', '/admin/v1/entities/Paper/p1', { attributes: { grade: 3, diagnosis: 'flu' } })
  const viewer = { resource: { type: 'Paper', id: 'p1' }, relation: 'viewer', subject: { type: 'User', id: ann } }
  await server.admin('POST', '/admin/v1/relations/write', { writes: [viewer] })
})
afterAll(() => server.stop())

const asked = (context: object = { purpose: 'care' }) => ({
  subject: { type: 'User', id: ann },
  action: { name: 'read' },
  resource: { type: 'Paper', id: 'p1' },
  context,
})
const explain = (request: unknown, more: object = {}) =>
  server.admin('POST', '/admin/v1/decisions/explain', { request, ...more })
const explained = async (request: unknown, more: object = {}): Promise<Explained> => {
  const response = await explain(request, more)
  expect(response.status).toBe(200)
  return (await response.json()) as Explained
}

describe('POST /admin/v1/decisions/explain (admin.md §3, SPEC 7.4)', () => {
  test('says which rules decided, over stored facts and rows of tables alike', async () => {
    const { decision, reasons, rules, policyVersion } = await explained(asked())
    expect(rules.find(({ id }) => id === 'viewer')).toMatchObject({ file: 'test/papers.fbac', line: 11, column: 1 })
    expect({ decision, reasons }).toEqual({ decision: true, reasons: ['viewer'] })
    expect(rules.filter(({ builtIn }) => !builtIn).map(({ id, outcome }) => [id, outcome])).toEqual([
      ['confirmed', 'false'],
      ['secret', 'false'],
      ['viewer', 'true'],
    ])
    expect(policyVersion).toBe((await server.kernel.policies.current('default')).version)
  })

  test('says what failed, with its values, and what would flip the answer', async () => {
    const { decision, rules, nearMiss } = await explained(asked({ purpose: 'sport' }))
    expect(decision).toBe(false)
    const failed = rules.find(({ id }) => id === 'viewer')?.conditions.filter(({ outcome }) => outcome === 'false')
    expect(failed).toHaveLength(1)
    expect(failed?.[0]?.values).toContainEqual({ path: 'context.purpose', value: 'sport' })
    expect(nearMiss?.changes).toHaveLength(1)
  })

  test('masks what is personal', async () => {
    const text = JSON.stringify(await explained(asked()))
    expect(text).toContain('"masked":true')
    expect(text).not.toContain('flu')
  })

  test('decides as an evaluation does, also for nobody, unknown types and ids', async () => {
    expect(await explained({ ...asked(), subject: { type: 'User', id: 'nobody' } })).toMatchObject({ decision: false })
    const { subject: _, ...anonymous } = asked()
    expect((await explained(anonymous)).decision).toBe(false)
    const unknown = { ...asked(), resource: { type: 'Planet', id: 'x' } }
    expect(await explained(unknown)).toMatchObject({ decision: false, remarks: ['unknown-action'], rules: [] })
  })

  test('shows on wish what the caller of a decision is told: nothing of rules, relations or the resource', async () => {
    const told = await explained(asked({ purpose: 'sport' }), { audience: 'caller' })
    expect(Object.keys(told).sort()).toEqual(['advice', 'decision', 'nearMisses', 'policyVersion', 'texts'])
    expect(JSON.stringify(told)).not.toMatch(/viewer|grade|flu/)
  })

  test('takes the right to explain, and a request of its form', async () => {
    const response = await fetch(`${server.url}/admin/v1/decisions/explain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ request: asked() }),
    })
    expect(response.status).toBe(401)
    const broken = await explain({ action: { name: 'read' } })
    expect(broken.status).toBe(422)
    expect((await explain(asked(), { audience: 'everyone' })).status).toBe(422)
  })
})
