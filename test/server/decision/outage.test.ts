import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { OpenedDatabase } from '../../../adapters/database/open.ts'
import { startServer, type TestServer } from '../../kit/start-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

const isReady = async () => (await fetch(`${server.url}/health/ready`)).status === 200

describe('the database goes away (admin.md §10)', () => {
  test('a database that does not answer makes the server not ready, and ready again when it does', async () => {
    const pid = (server.kernel.database as OpenedDatabase).embeddedProcessId() ?? 0
    process.kill(pid, 'SIGSTOP')
    const response = await fetch(`${server.url}/health/ready`).finally(() => process.kill(pid, 'SIGCONT'))
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await response.json()).toMatchObject({ status: 'unavailable', checks: { database: false } })
    // The process that was stopped answers what had queued up first.
    const deadline = performance.now() + 20_000
    while (!(await isReady()) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await isReady()).toBe(true)
  })

  test('requests and /health/ready answer 503 with Retry-After, and recover without a restart', async () => {
    expect((await server.admin('GET', '/admin/v1/users')).status).toBe(200)
    // The kit's database is the embedded one: its process is killed as a crash would.
    const { embeddedProcessId } = server.kernel.database as OpenedDatabase
    process.kill(embeddedProcessId() ?? 0, 'SIGKILL')
    const statuses = new Set<number>()
    const deadline = performance.now() + 20_000
    let answer = await server.admin('GET', '/admin/v1/users')
    while (answer.status !== 200 && performance.now() < deadline) {
      statuses.add(answer.status)
      expect(answer.headers.get('retry-after')).not.toBeNull()
      expect(['database_unavailable', 'decision_unavailable']).toContain(
        ((await answer.json()) as { code: string }).code,
      )
      await new Promise((resolve) => setTimeout(resolve, 50))
      answer = await server.admin('GET', '/admin/v1/users')
    }
    expect([...statuses].filter((status) => status !== 503)).toEqual([])
    expect(answer.status).toBe(200)
    expect(await isReady()).toBe(true)
  })
})
