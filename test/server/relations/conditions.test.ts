import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const policy = `module vault
import User from "writ:identity"
fn atDesk(desk: Int, pin?: String): Bool = desk == 9007199254740993 and (pin ?? "") == "open"
entity Safe {
  relation keeper: User if atDesk
  relation owner: User
  role guard: User
}
action unlock on Safe by User with { desk?: Int, pin?: String }
@id("keepers")
allow unlock on s: Safe to keeper of s
@id("guards")
allow unlock on s: Safe to guard of s
`

let server: TestServer
let authorization: string
beforeAll(async () => {
  server = await startServer({ policies: { 'vault.fbac': policy } })
  authorization = await server.accessClient()
})
afterAll(() => server.stop())

const safe = { type: 'Safe', id: 's1' }
const user = (id: string) => ({ type: 'User', id })

async function allows(id: string, properties: string): Promise<boolean> {
  const answer = await fetch(`${server.url}/access/v1/evaluation`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: `{"subject":{"type":"User","id":"${id}"},"resource":{"type":"Safe","id":"s1"},"action":{"name":"unlock","properties":${properties}}}`,
  })
  return ((await answer.json()) as { decision: boolean }).decision
}

type Refused = { readonly errors: readonly { readonly pointer: string; readonly code: string }[] }
// As text, so that an integer beyond 2^53 leaves as it is.
const write = (tuple: string) =>
  fetch(`${server.url}/admin/v1/relations/write`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.adminToken()}`, 'content-type': 'application/json' },
    body: `{"writes":[${tuple}]}`,
  })
const keeper = (id: string, condition: string) =>
  `{"resource":{"type":"Safe","id":"s1"},"relation":"keeper","subject":{"type":"User","id":"${id}"},"condition":${condition}}`

describe('tuples that hold under a condition (SPEC 3.3, admin.md §7)', () => {
  test('the condition is judged with what the tuple keeps and what the request says', async () => {
    expect((await write(keeper('kim', '{"name":"atDesk","context":{"desk":9007199254740993}}'))).status).toBe(200)
    expect(await allows('kim', '{"pin":"open"}')).toBe(true)
    expect(await allows('kim', '{"pin":"shut"}')).toBe(false)
    expect(await allows('kim', '{}')).toBe(false)
    // What the tuple keeps wins over what the request says.
    expect(await allows('kim', '{"pin":"open","desk":1}')).toBe(true)
  })

  test('a parameter that the tuple leaves open comes from the request', async () => {
    expect((await write(keeper('lee', '{"name":"atDesk"}'))).status).toBe(200)
    expect(await allows('lee', '{"pin":"open","desk":9007199254740993}')).toBe(true)
    expect(await allows('lee', '{"pin":"open","desk":9007199254740992}')).toBe(false)
    expect(await allows('lee', '{"pin":"open"}')).toBe(false)
  })

  test('another condition replaces the one that stood, and a deleted tuple is gone', async () => {
    await write(keeper('max', '{"name":"atDesk","context":{"desk":1}}'))
    expect(await allows('max', '{"pin":"open"}')).toBe(false)
    await write(keeper('max', '{"name":"atDesk","context":{"desk":9007199254740993}}'))
    expect(await allows('max', '{"pin":"open"}')).toBe(true)
    const deletes = [{ resource: safe, relation: 'keeper', subject: user('max') }]
    expect((await server.admin('POST', '/admin/v1/relations/write', { deletes })).status).toBe(200)
    expect(await allows('max', '{"pin":"open"}')).toBe(false)
  })

  test('the list shows it digit by digit', async () => {
    await write(keeper('kim', '{"name":"atDesk","context":{"desk":9007199254740993}}'))
    const list = await server.admin('GET', '/admin/v1/relations?subjectId=kim')
    expect(await list.text()).toContain('"condition":{"name":"atDesk","context":{"desk":9007199254740993}}')
  })

  test.each([
    [
      'no condition where the relation asks for one',
      keeper('x', '{"name":"atDesk"}').replace(/,"condition".*\}$/, '}'),
      '/writes/0/subject',
      'holder_not_allowed',
    ],
    [
      'a condition that nobody declares',
      keeper('x', '{"name":"atDusk"}'),
      '/writes/0/condition/name',
      'unknown_condition',
    ],
    [
      'a parameter that the function has not',
      keeper('x', '{"name":"atDesk","context":{"dusk":1}}'),
      '/writes/0/condition/context/dusk',
      'unknown_parameter',
    ],
    [
      'a parameter of another type',
      keeper('x', '{"name":"atDesk","context":{"desk":"1"}}'),
      '/writes/0/condition/context/desk',
      'wrong_type',
    ],
    [
      'a condition where the relation takes none',
      keeper('x', '{"name":"atDesk"}').replace('keeper', 'owner'),
      '/writes/0/subject',
      'holder_not_allowed',
    ],
    [
      'a condition on a role',
      keeper('x', '{"name":"atDesk"}').replace('keeper', 'guard'),
      '/writes/0/condition',
      'condition_on_role',
    ],
  ])('%s is refused', async (_, tuple, pointer, code) => {
    const answer = await write(tuple)
    expect(answer.status).toBe(422)
    expect(((await answer.json()) as Refused).errors).toEqual([expect.objectContaining({ pointer, code })])
  })

  test('a conditional row on a role, by whatever way it came, gives nothing', async () => {
    const { kernel } = server
    const { id } = kernel.tenants.default()
    await kernel.withTransaction(
      { tenantId: id, subject: { kind: 'entity', type: 'User', id: 'me' } },
      async (unit) => {
        await kernel.database.query(
          {
            name: '',
            text: `insert into relation (tenant_id, resource_type, resource_id, relation, subject_type, subject_id, condition_name, condition_context)
                 values ($1, 'Safe', 's1', 'guard', 'User', 'gus', 'atDesk', '{"desk":9007199254740993}')`,
          },
          [id],
        )
        unit.changed({ kind: 'everything' })
      },
    )
    expect(await allows('gus', '{"pin":"open"}')).toBe(false)
  })

  test('half a condition cannot stand in the table', async () => {
    const { kernel } = server
    const insert = kernel.database.query(
      {
        name: '',
        text: `insert into relation (tenant_id, resource_type, resource_id, relation, subject_type, subject_id, condition_name)
               values ($1, 'Safe', 's1', 'owner', 'User', 'hal', 'atDesk')`,
      },
      [kernel.tenants.default().id],
    )
    await expect(insert).rejects.toMatchObject({ kind: 'check' })
  })
})
