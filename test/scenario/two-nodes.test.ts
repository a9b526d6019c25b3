import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { describeWith } from '../kit/availability.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../kit/postgres.ts'
import { freePort, startWrit, type WritProcess } from '../kit/writ-process.ts'

const policy = `import User from "writ:identity"

entity Paper {
  relation reader: User
}
entity Box in up: Box? {
}
action read on Paper by User
@id("readers")
allow read on p: Paper to reader of p
`

describeWith(realPostgresNeed, 'two nodes on one PostgreSQL (admin.md §7, SPEC 7)', () => {
  let postgres: RealPostgres
  let database: pg.Client
  let nodes: readonly WritProcess[] = []
  let ports: readonly number[] = []
  let authorization = ''

  beforeAll(async () => {
    postgres = await startRealPostgres()
    const url = await postgres.createDatabase()
    database = new pg.Client({ connectionString: url })
    await database.connect()
    const env = { DATABASE_URL: url, WRIT_SECRET_KEY: randomBytes(32).toString('base64url') }
    ports = [await freePort(), await freePort()]
    const first = await startWrit({ ...env, PORT: String(ports[0]) })
    nodes = [first, await startWrit({ ...env, PORT: String(ports[1]), WRIT_ISSUER: first.issuer })]
    const files = { 'p.fbac': policy }
    const put = await admin('PUT', '/admin/v1/policy-sets/papers', { files })
    expect(put.status).toBe(200)
    const { draft } = (await put.json()) as { draft: string }
    expect((await admin('POST', `/admin/v1/policy-sets/papers/drafts/${draft}/activate`, {})).status).toBe(200)
    const client = await admin('POST', '/admin/v1/clients', {
      ...{ clientId: 'pep', name: 'pep', grantTypes: ['client_credentials'], redirectUris: [] },
      ...{ tokenEndpointAuthMethod: 'client_secret_basic', scope: 'access' },
    })
    const { clientSecret } = (await client.json()) as { clientSecret: string }
    authorization = `Basic ${Buffer.from(`pep:${clientSecret}`).toString('base64')}`
  }, 120_000)
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    await database?.end()
    await postgres?.stop()
  }, 30_000)

  const addressOf = (at: 0 | 1): string => `http://127.0.0.1:${ports[at]}`
  const admin = (method: string, path: string, body: unknown, at: 0 | 1 = 0) =>
    fetch(addressOf(at) + path, {
      method,
      headers: {
        authorization: `Bearer ${readFileSync(join(nodes[at]?.dataFolder ?? '', 'cli-token'), 'utf8').trim()}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    })
  const ask = (path: string, body: unknown, token?: string) =>
    fetch(`${addressOf(1)}/access/v1/${path}`, {
      method: 'POST',
      headers: {
        authorization,
        'content-type': 'application/json',
        ...(token === undefined ? {} : { 'writ-consistency': token }),
      },
      body: JSON.stringify(body),
    })
  const asked = (user: string) => ({
    subject: { type: 'User', id: user },
    action: { name: 'read' },
    resource: { type: 'Paper', id: 'p1' },
  })
  const write = async (kind: 'writes' | 'deletes', user: string): Promise<string> => {
    const tuple = { resource: { type: 'Paper', id: 'p1' }, relation: 'reader', subject: { type: 'User', id: user } }
    const answer = await admin('POST', '/admin/v1/relations/write', { [kind]: [tuple] })
    expect(answer.status).toBe(200)
    return ((await answer.json()) as { consistencyToken: string }).consistencyToken
  }
  const decided = async (answer: Response) => {
    expect([answer.status, answer.headers.get('writ-error-code')]).toEqual([200, null])
    return ((await answer.json()) as { decision: boolean }).decision
  }

  test('a token of one node makes the other never answer from before it, many at once', async () => {
    const users = Array.from({ length: 40 }, (_, at) => `u${at}`)
    await Promise.all(
      users.map(async (user) => {
        for (let round = 0; round < 3; round += 1) {
          expect(await decided(await ask('evaluation', asked(user), await write('writes', user)))).toBe(true)
          expect(await decided(await ask('evaluation', asked(user), await write('deletes', user)))).toBe(false)
        }
      }),
    )
  }, 60_000)

  test('a token of an activation is never answered by the rules from before it', async () => {
    await write('writes', 'judged')
    const closed = policy.replace('to reader of p', 'to reader of p when context.now < 2000-01-01T00:00:00Z')
    for (let round = 0; round < 4; round += 1) {
      // As many rules as take the other node a while, other ones each time: nothing of them is known there.
      const more = Array.from(
        { length: 1_500 },
        (_, at) => `@id("more-${at}")\nallow read on p: Paper to user: User when user == User::"${round}-${at}"\n`,
      )
      const files = { 'p.fbac': (round % 2 === 0 ? closed : policy) + more.join('') }
      const { draft } = (await (await admin('PUT', '/admin/v1/policy-sets/papers', { files })).json()) as {
        draft: string
      }
      const active = await admin('POST', `/admin/v1/policy-sets/papers/drafts/${draft}/activate`, {})
      const { consistencyToken } = (await active.json()) as { consistencyToken: string }
      expect(await decided(await ask('evaluation', asked('judged'), consistencyToken))).toBe(round % 2 === 1)
    }
  }, 60_000)

  test('also while no notice arrives: then it reads through', async () => {
    if (!postgres.isOwn) return
    const { rows } = await database.query<{ readonly pid: number }>(
      `select pid from pg_stat_activity where application_name = 'writ notices' and datname = current_database()`,
    )
    expect(rows.length).toBe(2)
    const signal = (name: string) => {
      for (const { pid } of rows) execFileSync('kill', [`-${name}`, String(pid)])
    }
    signal('STOP')
    try {
      for (let round = 0; round < 10; round += 1) {
        expect(await decided(await ask('evaluation', asked('quiet'), await write('writes', 'quiet')))).toBe(true)
        expect(await decided(await ask('evaluation', asked('quiet'), await write('deletes', 'quiet')))).toBe(false)
      }
      const token = await write('writes', 'listed')
      const found = await ask('search/resource', { ...asked('listed'), resource: { type: 'Paper' } }, token)
      expect(await found.json()).toMatchObject({ results: [{ type: 'Paper', id: 'p1' }] })
    } finally {
      signal('CONT')
    }
  }, 60_000)

  test('two writers who each make half of a cycle: one is refused (SPEC 3.1)', async () => {
    const half = (at: 0 | 1, id: string, up: string) =>
      admin('PUT', `/admin/v1/entities/Box/${id}`, { attributes: { up: { type: 'Box', id: up } } }, at)
    for (let round = 0; round < 20; round += 1) {
      const [a, b] = [`a${round}`, `b${round}`]
      const statuses = (await Promise.all([half(0, a, b), half(1, b, a)])).map(({ status }) => status)
      expect(statuses.sort()).toEqual([201, 422])
    }
  }, 30_000)

  test('without a token, and without notices, an answer is old for no longer than the poll', async () => {
    await write('writes', 'slow')
    const deadline = performance.now() + 4_000
    let answer = await decided(await ask('evaluation', asked('slow')))
    while (!answer && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      answer = await decided(await ask('evaluation', asked('slow')))
    }
    expect(answer).toBe(true)
  })
})
