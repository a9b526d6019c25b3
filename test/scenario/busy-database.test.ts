import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeWith } from '../kit/availability.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../kit/postgres.ts'
import { startServer, type TestServer } from '../kit/start-server.ts'

/** All that a node may have (architecture.md, non-functional targets). */
const mostConnections = 20

describeWith(realPostgresNeed, 'every connection to the database is in use', () => {
  let postgres: RealPostgres
  let server: TestServer
  let authorization: string

  beforeAll(async () => {
    postgres = await startRealPostgres()
    server = await startServer({ env: { DATABASE_URL: await postgres.createDatabase() } })
    authorization = await server.accessClient()
  }, 60_000)
  afterAll(async () => {
    await server?.stop()
    await postgres?.stop()
  })

  const askToken = () =>
    fetch(`${server.url}/oauth2/token`, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'access' }),
    })
  const askPage = () =>
    fetch(`${server.url}/oauth2/authorize?client_id=nobody-has-asked-for-yet&response_type=code`, {
      redirect: 'manual',
    })
  const askUsers = () => server.admin('GET', '/admin/v1/users')

  /** Transactions that wait for the test, as many as there are connections. */
  async function useAllConnections(): Promise<{ release(): Promise<void> }> {
    const gate = Promise.withResolvers<void>()
    let open = 0
    const all = Promise.withResolvers<void>()
    const held = Array.from({ length: mostConnections }, () =>
      server.kernel.database.transaction(async () => {
        open += 1
        if (open === mostConnections) all.resolve()
        await gate.promise
      }),
    )
    await all.promise
    return {
      async release() {
        gate.resolve()
        await Promise.all(held)
      },
    }
  }

  test('requests wait a few seconds and are 503 with Retry-After; afterwards they serve', async () => {
    expect((await askToken()).status).toBe(200)
    const busy = await useAllConnections()
    const answers = await Promise.all([askToken(), askPage(), askUsers()]).finally(busy.release)
    expect(answers.map(({ status, headers }) => [status, headers.has('retry-after')])).toEqual([
      [503, true],
      [503, true],
      [503, true],
    ])
    expect(await answers[0]?.json()).toMatchObject({ error: 'temporarily_unavailable' })
    expect([(await askToken()).status, (await askUsers()).status]).toEqual([200, 200])
  }, 30_000)

  test('whoever waits while a connection comes free is served', async () => {
    const busy = await useAllConnections()
    const asked = [askToken(), askToken(), askUsers()]
    await new Promise((resolve) => setImmediate(resolve))
    await busy.release()
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200])
  })
})
