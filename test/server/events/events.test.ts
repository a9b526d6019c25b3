import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ChangeSet } from '../../../server/events/change.ts'
import type { Actor } from '../../../server/events/unit-of-work.ts'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const sent: unknown[] = []
let failures = 0
let server: TestServer
beforeAll(async () => {
  server = await startServer({
    moreAreas: [
      {
        name: 'probe',
        build: () => ({
          topics: {
            'probe.thing.made': async ({ payload }) => {
              if (payload.fails === true && failures === 0) {
                failures += 1
                throw new Error('not yet')
              }
              sent.push(payload)
            },
          },
        }),
      },
    ],
  })
})
afterAll(() => server.stop())

const tenant = { kind: 'entity', type: 'Tenant', id: 'default' } as const
const actor: Actor = {
  tenantId: 'default',
  subject: { kind: 'entity', type: 'User', id: 'ann' },
  requestId: 'r1',
  ip: '127.0.0.1',
}

async function count(table: 'audit_event' | 'outbox' | 'tenant_change'): Promise<number> {
  const [row] = await server.kernel.database.query<{ n: number }>({
    name: '',
    text: `select count(*)::int as n from ${table}`,
  })
  return row?.n ?? -1
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!(await isTrue()) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(await isTrue()).toBe(true)
}

describe('one transaction (architecture.md, seams)', () => {
  test('audit, outbox, epoch, change and position commit together', async () => {
    const heard: ChangeSet[] = []
    const stop = server.kernel.changes.onChange((set) => heard.push(set))
    const before = [await count('audit_event'), await count('tenant_change')]
    const { value, position } = await server.kernel.withTransaction(actor, async (unit) => {
      unit.audit({ action: 'probe.made', resource: tenant, detail: { note: 'x' } })
      unit.emit('probe.thing.made', { n: 1 })
      unit.raiseEpoch(tenant)
      return 'done'
    })
    stop()
    expect(value).toBe('done')
    expect(server.kernel.changes.seen('default')).toBe(BigInt(position))
    expect(heard.at(-1)).toEqual({
      tenantId: 'default',
      position: BigInt(position),
      changes: [{ kind: 'epoch', of: { type: 'Tenant', id: 'default' } }],
    })
    expect([await count('audit_event'), await count('tenant_change')]).toEqual(before.map((n) => n + 1))
    const [row] = await server.kernel.database.query({
      name: '',
      text: `select actor_type, actor_id, action, request_id, outcome, detail from audit_event where action = 'probe.made'`,
    })
    expect(row).toEqual({
      actor_type: 'User',
      actor_id: 'ann',
      action: 'probe.made',
      request_id: 'r1',
      outcome: 'success',
      detail: { note: 'x' },
    })
    await until(() => sent.length === 1)
  })

  test('a rejection leaves nothing and tells nobody', async () => {
    const heard: ChangeSet[] = []
    const stop = server.kernel.changes.onChange((set) => heard.push(set))
    const before = [await count('audit_event'), await count('outbox'), server.kernel.changes.seen('default')]
    const failing = server.kernel.withTransaction(actor, async (unit) => {
      unit.audit({ action: 'probe.made', resource: tenant })
      unit.emit('probe.thing.made', {})
      unit.raiseEpoch(tenant)
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    stop()
    expect([await count('audit_event'), await count('outbox'), server.kernel.changes.seen('default')]).toEqual(before)
    expect(heard).toEqual([])
  })

  test('recordOnly keeps the position', async () => {
    const write = (isRecordOnly: boolean) =>
      server.kernel.withTransaction(actor, async (unit) => {
        if (isRecordOnly) unit.recordOnly()
        unit.audit({ action: 'probe.seen', resource: tenant })
      })
    const { position } = await write(false)
    expect((await write(true)).position).toBe(position)
    expect(BigInt((await write(false)).position)).toBe(BigInt(position) + 1n)
  })

  test('a change that was committed behind this node is read from the database', async () => {
    const heard: ChangeSet[] = []
    const stop = server.kernel.changes.onChange((set) => heard.push(set))
    await server.kernel.database.transaction(async () => {
      const [row] = await server.kernel.database.query<{ position: number }>({
        name: '',
        text: `update tenant_revision set position = position + 1 where tenant_id = 'default' returning position`,
      })
      await server.kernel.database.query(
        {
          name: '',
          text: `insert into tenant_change (tenant_id, position, changes) values ('default', $1, '[{"kind":"keys"}]')`,
        },
        [row?.position],
      )
    })
    await server.kernel.changes.catchUp('default')
    stop()
    expect(heard.flatMap(({ changes }) => changes)).toEqual([{ kind: 'keys' }])
  })
})

describe('outbox', () => {
  test('a row whose handler fails is sent later', async () => {
    sent.length = 0
    await server.kernel.withTransaction(actor, async (unit) => unit.emit('probe.thing.made', { fails: true }))
    await until(() => failures === 1)
    await server.kernel.database.query({
      name: '',
      text: `update outbox set next_attempt_at = now() where sent_at is null and topic = 'probe.thing.made'`,
    })
    await server.kernel.withTransaction(actor, async (unit) => unit.emit('probe.thing.made', { n: 2 }))
    await until(() => sent.length === 2)
  })
})

describe('audit (admin.md §8)', () => {
  test.each(['update audit_event set action = $1', 'delete from audit_event where action <> $1'])(
    '%s is refused',
    async (text) => {
      await expect(server.kernel.database.query({ name: '', text }, ['x'])).rejects.toThrow()
    },
  )
})

describe('tenants', () => {
  test('a new tenant has an organization, an issuer of its own, and answers under its prefix only', async () => {
    const made = await server.kernel.tenants.create(actor, { id: 'acme', name: 'Acme' })
    expect(made).toMatchObject({
      id: 'acme',
      issuer: `${server.issuer}/t/acme`,
      pathPrefix: '/t/acme',
      status: 'active',
    })
    const metadata = await fetch(`${server.url}/t/acme/.well-known/authzen-configuration`)
    expect(await metadata.json()).toMatchObject({ policy_decision_point: `${server.issuer}/t/acme` })
    expect((await fetch(`${server.url}/t/default/health`)).status).toBe(404)
    expect((await fetch(`${server.url}/t/nobody/admin/v1/users`)).status).toBe(404)
  })

  test.each(['', 'A', 'a b', '-a', 'a'.repeat(64), '../x'])('refuses the id %j', async (id) => {
    await expect(server.kernel.tenants.create(actor, { id, name: 'x' })).rejects.toThrow('invalid_tenant_id')
  })

  test('a second tenant of one id is refused', async () => {
    await expect(server.kernel.tenants.create(actor, { id: 'acme', name: 'x' })).rejects.toThrow('tenant_exists')
  })
})
