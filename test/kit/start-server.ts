import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FixedClock, fixedClock } from '../../adapters/clock/fixed-clock.ts'
import { memoryJobs } from '../../adapters/jobs/memory.ts'
import { inboxMailer } from '../../adapters/mail/inbox.ts'
import { areas } from '../../areas.ts'
import { activatePolicyFiles } from '../../server/admin/activate-files.ts'
import type { Area } from '../../server/area.ts'
import { readConfig } from '../../server/config/read-config.ts'
import type { Kernel } from '../../server/kernel.ts'
import { startServer as start } from '../../server/start.ts'

export type TestServer = {
  readonly issuer: string
  readonly url: string
  readonly kernel: Kernel
  readonly clock: FixedClock
  /** Every line of the log. */
  readonly log: readonly string[]
  /** A bearer token of an administrator of the default tenant. */
  adminToken(): string
  /** JSON over HTTP as the administrator. */
  admin(method: string, path: string, body?: unknown, headers?: { readonly [name: string]: string }): Promise<Response>
  /** Makes the set `test` of these files the active one of the default tenant; throws what the compiler says. */
  activate(files: { readonly [path: string]: string }): Promise<void>
  /** A confidential client with the scope `access`: the value of its Authorization header. */
  accessClient(id?: string): Promise<string>
  stop(): Promise<void>
}

/** The whole server in this process: a free port, a data folder of its own, a fixed clock, mail in memory. */
export async function startServer(
  options: {
    readonly policies?: { readonly [path: string]: string }
    readonly env?: { readonly [name: string]: string }
    readonly moreAreas?: readonly Area[]
  } = {},
): Promise<TestServer> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'writ-server-'))
  const env = {
    WRIT_DATA: dataFolder,
    PORT: '0',
    WRIT_ISSUER: 'http://127.0.0.1:0',
    WRIT_LOG_LEVEL: 'debug',
    ...options.env,
  }
  const clock = fixedClock(Date.UTC(2026, 10, 23, 12))
  const log: string[] = []
  const server = await start({
    config: readConfig({ args: [], env, cwd: dataFolder }),
    tell: () => undefined,
    clock,
    mailer: inboxMailer(clock),
    jobs: memoryJobs(clock),
    areas: async () => (given) => [...areas(given), ...(options.moreAreas ?? [])],
    logTo: { write: (line) => log.push(line) },
  })
  const { issuer, url, kernel } = server
  const adminToken = () => readFileSync(join(dataFolder, 'cli-token'), 'utf8').trim()
  const test: TestServer = {
    issuer,
    url,
    kernel,
    clock,
    log,
    adminToken,
    admin: (method, path, body, headers = {}) =>
      fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${adminToken()}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    async activate(files) {
      const outcome = await activatePolicyFiles(kernel, { tenantId: kernel.tenants.default().id, set: 'test', files })
      if ('problems' in outcome && outcome.problems) throw new Error(String(outcome.problems))
    },
    async accessClient(id = 'pep') {
      const made = await test.admin('POST', '/admin/v1/clients', {
        clientId: id,
        name: id,
        grantTypes: ['client_credentials'],
        redirectUris: [],
        tokenEndpointAuthMethod: 'client_secret_basic',
        scope: 'access',
      })
      const { clientSecret } = (await made.json()) as { clientSecret: string }
      return `Basic ${Buffer.from(`${id}:${clientSecret}`).toString('base64')}`
    },
    async stop() {
      await server.stop()
      rmSync(dataFolder, { recursive: true, force: true })
    },
  }
  if (options.policies) await test.activate(options.policies)
  return test
}
