import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const policies = {
  'p.fbac': `import User from "writ:identity"

entity Box in up: Box? {
  size: Int
  owner?: User
}
action open on Box by User
@id("owner")
allow open on b: Box to owner of b
@id("small")
allow open on b: Box to User when b.size < 5
`,
}

let server: TestServer
beforeAll(async () => {
  server = await startServer({ policies })
})
afterAll(() => server.stop())

const box = (id: string) => ({ type: 'Box', id })
const put = async (id: string, body: object) => {
  const answer = await server.admin('PUT', `/admin/v1/entities/Box/${id}`, body)
  return { status: answer.status, body: (await answer.json()) as { code?: string; errors?: { code: string }[] } }
}
const exists = async (id: string) => (await server.admin('GET', `/admin/v1/entities/Box/${id}`)).status === 200
async function load(...rows: object[]) {
  const answer = await fetch(`${server.url}/admin/v1/entities/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.adminToken()}`, 'content-type': 'application/x-ndjson' },
    body: rows.map((row) => JSON.stringify(row)).join('\n'),
  })
  const lines = (await answer.text()).trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as { written: number; errors?: object[] })
}

describe('data that does not fit is told, and nothing of it is kept (SPEC 8.1)', () => {
  test('a cycle of links', async () => {
    expect((await put('a', { attributes: { size: 1 } })).status).toBe(201)
    expect((await put('b', { attributes: { size: 1, up: box('a') } })).status).toBe(201)
    const refused = await put('a', { attributes: { size: 9, up: box('b') } })
    expect(refused).toMatchObject({ status: 422, body: { code: 'entity_refused', errors: [{ code: 'link_cycle' }] } })
    const stored = (await (await server.admin('GET', '/admin/v1/entities/Box/a')).json()) as object
    expect(stored).toMatchObject({ attributes: { size: 1 } })
    expect(await put('self', { attributes: { size: 1, up: box('self') } })).toMatchObject({ status: 422 })
    expect(await exists('self')).toBe(false)
  })

  test('values of another type and unknown names, all at once', async () => {
    const refused = await put('w', { attributes: { size: 'big', owner: box('a'), colour: 'red' } })
    expect(refused.status).toBe(422)
    expect(refused.body.errors?.map(({ code }) => code).sort()).toEqual([
      'unknown_attribute',
      'wrong_type',
      'wrong_type',
    ])
    expect(await exists('w')).toBe(false)
  })

  test('an import with an id that stands twice, a cycle, or a wrong value: the batch is refused with lines', async () => {
    const good = { ...box('i1'), attributes: { size: 1 } }
    const [twice] = await load(good, { ...box('i2'), attributes: { size: 1 } }, { ...good, attributes: { size: 2 } })
    expect(twice).toMatchObject({ written: 0, errors: [{ line: 3, code: 'duplicate_entity', pointer: '/id' }] })
    const [wrong] = await load(good, { ...box('i3'), attributes: { size: {} } })
    expect(wrong).toMatchObject({ written: 0, errors: [{ line: 2, code: 'wrong_type' }] })
    const round = (id: string, up: string) => ({ ...box(id), attributes: { size: 1 }, parents: [box(up)] })
    const [cycle] = await load(good, round('i4', 'i5'), round('i5', 'i6'), round('i6', 'i4'))
    expect(cycle?.written).toBe(0)
    expect(cycle?.errors).toContainEqual(expect.objectContaining({ code: 'link_cycle' }))
    for (const id of ['i1', 'i2', 'i3', 'i4', 'i5', 'i6']) expect([id, await exists(id)]).toEqual([id, false])
    expect((await load(good))[0]).toMatchObject({ written: 1, errors: [] })
  })

  test('a link that leads nowhere is an entity without attributes: rules that need it fail closed', async () => {
    expect((await put('lost', { attributes: { size: 1, up: box('nowhere') } })).status).toBe(201)
    const { kernel } = server
    const policy = await kernel.policies.settled('default')
    const scope = {
      ...{ requestId: 'r', tenant: kernel.tenants.default(), scopes: new Set<string>(), ip: '', policy, now: 0 },
      subject: { kind: 'entity', type: 'User', id: 'ann' } as const,
    }
    const ask = (id: string) =>
      kernel.decisions.decide(scope, { action: 'open', resource: { kind: 'entity', type: 'Box', id } })
    expect(await ask('lost')).toMatchObject({ decision: true, reasons: ['small'] })
    const nowhere = await ask('nowhere')
    expect(nowhere).toMatchObject({ decision: false, reasons: [] })
    expect(nowhere.errors).toEqual([{ rule: 'small', cause: { code: 'missing', path: 'resource.size' } }])
  })

  test('a cycle that stands in the database all the same is not used, and the log says so', async () => {
    const text = `insert into entity (tenant_id, type, id, attributes) values
('default', 'Box', 'x1', '{"size": 1, "up": {"type": "Box", "id": "x2"}}'),
('default', 'Box', 'x2', '{"size": 1, "up": {"type": "Box", "id": "x1"}}')`
    await server.kernel.withTransaction(
      { tenantId: 'default', subject: { kind: 'entity', type: 'User', id: 'x' } },
      async (unit) => {
        await server.kernel.database.query({ name: '', text })
        unit.changed({ kind: 'everything' })
      },
    )
    await server.activate({ 'p.fbac': `${policies['p.fbac']}\nentity Crate {\n}\n` })
    expect(server.log.some((line) => line.includes('link-cycle') && line.includes('a stored entity is not used'))).toBe(
      true,
    )
  })
})
