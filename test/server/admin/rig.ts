import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../adapters/clock/system-clock.ts'
import { memoryJobs } from '../../../adapters/jobs/memory.ts'
import { areas } from '../../../areas.ts'
import type { Config } from '../../../server/config/config.ts'
import { type RunningServer, startServer } from '../../../server/start.ts'

export type Answer = {
  readonly status: number
  // Bodies are looked into member by member; expectations say what they must be.
  readonly body: { readonly [name: string]: unknown } & {
    readonly items?: readonly { readonly [name: string]: unknown }[]
    readonly errors?: readonly { readonly [name: string]: unknown }[]
  }
  readonly text: string
  readonly headers: Headers
}
export type Rig = {
  readonly server: RunningServer
  readonly logs: string[]
  readonly token: string
  /** As an administrator, unless another token (or '' for none) is given. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Answer>
  close(): Promise<void>
}
export type CallOptions = {
  readonly token?: string
  readonly headers?: { readonly [name: string]: string }
  readonly raw?: string
}

/** A whole server on a free port with a data folder of its own; the administrator is the command line's token. */
export async function openRig(changes: Partial<Config> = {}): Promise<Rig> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'writ-admin-'))
  const config: Config = {
    profile: 'development',
    host: '127.0.0.1',
    port: 0,
    issuer: 'http://127.0.0.1:0',
    dataFolder,
    trustedProxies: [],
    mailFrom: 'writ@example.test',
    logLevel: 'debug',
    rejudgedLists: 0,
    ...changes,
  }
  const logs: string[] = []
  const server = await startServer({
    config,
    tell: (line) => logs.push(line),
    areas: async () => areas,
    jobs: memoryJobs(systemClock),
    logTo: { write: (line) => logs.push(line) },
  })
  const token = readFileSync(join(dataFolder, 'cli-token'), 'utf8').trim()
  return {
    server,
    logs,
    token,
    async call(method, path, body, options = {}) {
      const bearer = options.token ?? token
      const response = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
        ...(options.raw !== undefined
          ? { body: options.raw }
          : body === undefined
            ? {}
            : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson =
        /json/.test(response.headers.get('content-type') ?? '') &&
        !/ndjson/.test(response.headers.get('content-type') ?? '')
      return {
        status: response.status,
        text,
        headers: response.headers,
        body: isJson && text !== '' ? JSON.parse(text) : {},
      }
    },
    async close() {
      await server.stop()
      rmSync(dataFolder, { recursive: true, force: true })
    },
  }
}
