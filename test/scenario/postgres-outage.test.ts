import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeWith } from '../kit/availability.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../kit/postgres.ts'
import { startServer, type TestServer } from '../kit/start-server.ts'

describeWith(realPostgresNeed, 'a real PostgreSQL goes away and comes back (admin.md §10)', () => {
  let postgres: RealPostgres
  let server: TestServer

  beforeAll(async () => {
    postgres = await startRealPostgres()
    server = await startServer({ env: { DATABASE_URL: await postgres.createDatabase() } })
  }, 60_000)
  afterAll(async () => {
    await server?.stop()
    await postgres?.stop()
  })

  const users = () => server.admin('GET', '/admin/v1/users')
  const ready = () => fetch(`${server.url}/health/ready`)

  test('meanwhile requests and /health/ready are 503 with Retry-After; afterwards they serve, without a restart', async () => {
    expect([(await users()).status, (await ready()).status]).toEqual([200, 200])
    if (!postgres.isOwn) return
    await postgres.crash()
    for (const ask of [users, ready]) {
      const answer = await ask()
      expect([answer.status, answer.headers.has('retry-after')]).toEqual([503, true])
    }
    expect(await (await users()).json()).toMatchObject({
      code: expect.stringMatching(/^(database|decision)_unavailable$/),
    })
    await postgres.start()
    const deadline = performance.now() + 20_000
    while ((await users()).status !== 200 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect([(await users()).status, (await ready()).status]).toEqual([200, 200])
  }, 60_000)
})
