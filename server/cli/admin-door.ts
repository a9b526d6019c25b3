import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cliTokenFile } from '../admin/cli-token.ts'
import { type ApplyResult, applyDocuments, planDocuments } from '../admin/documents/apply-documents.ts'
import type { Document } from '../admin/documents/document.ts'
import { exportDocuments, writeDocuments } from '../admin/documents/export-documents.ts'
import type { Admin } from '../admin/request.ts'
import { readConfig } from '../config/read-config.ts'
import { Refusal } from '../http/refusal.ts'
import { createPasswords } from '../identity/passwords.ts'
import { type Rotated, type Rotation, rotateSigningKeys } from '../oidc/rotate-keys.ts'
import { startServer } from '../start.ts'
import { defaultTenantId } from '../tenancy/tenants.ts'
import type { CommandIo } from './io.ts'
import { UsageMistake } from './usage-mistake.ts'

/** A refusal as it came, over HTTP or from the engine room. */
export type Refused = { readonly status: number; readonly problem: { readonly [name: string]: unknown } }
export type Outcome<T> = { readonly done: T } | { readonly refused: Refused } | { readonly unreachable: string }

export type AdminDoor = {
  send(
    verb: 'apply' | 'plan',
    given: { readonly documents: readonly Document[]; readonly prune: boolean },
  ): Promise<Outcome<ApplyResult>>
  export(format: 'yaml' | 'json'): Promise<Outcome<string>>
  rotateKeys(rotation: Rotation): Promise<Outcome<Rotated>>
}

/**
 * A running server by `WRIT_URL` and `WRIT_TOKEN`, or by the file that a server in development leaves for its owner; with none
 * running, the database itself (surface.md, CLI). Throws ConfigurationError, StartMistake and UsageMistake.
 */
export function openAdminDoor(io: CommandIo): AdminDoor {
  const { WRIT_URL: url, WRIT_TOKEN: token } = io.environment
  if (url && token) return overHttp(url.replace(/\/$/, ''), token)
  const config = readConfig({ args: [], env: io.environment, cwd: io.folder })
  const local = readLocalToken(join(config.dataFolder, cliTokenFile))
  if (!url) return local === undefined ? overDatabase(io) : overHttp(config.issuer, local)
  // The owner's file never leaves this machine.
  if (local !== undefined && isLoopbackUrl(url)) return overHttp(url.replace(/\/$/, ''), local)
  throw new UsageMistake(`WRIT_URL names ${url}, but WRIT_TOKEN is not set`)
}

const isLoopbackUrl = (url: string): boolean => {
  const host = URL.parse(url)?.hostname ?? ''
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host)
}

function readLocalToken(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

function overHttp(base: string, token: string): AdminDoor {
  const ask = async <T>(
    path: string,
    init: RequestInit,
    read: (response: Response) => Promise<T>,
  ): Promise<Outcome<T>> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    try {
      const response = await fetch(`${base}/admin/v1${path}`, {
        ...init,
        headers,
        signal: AbortSignal.timeout(120_000),
      })
      if (response.ok) return { done: await read(response) }
      const problem = (await response.json().catch(() => ({}))) as Refused['problem']
      return { refused: { status: response.status, problem } }
    } catch {
      return { unreachable: `${base} does not answer` }
    }
  }
  return {
    send: (verb, given) =>
      // The answer's shape is the route's own, of the same version of this program.
      ask(
        `/${verb}`,
        { method: 'POST', body: JSON.stringify(given) },
        async (response) => (await response.json()) as ApplyResult,
      ),
    export: (format) => ask(`/export?format=${format}`, { method: 'GET' }, (response) => response.text()),
    rotateKeys: (rotation) =>
      ask(
        '/keys/rotate',
        { method: 'POST', body: JSON.stringify(rotation) },
        async (response) => (await response.json()) as Rotated,
      ),
  }
}

/** The engine room itself, on a server that listens to nobody in particular and ends with the command. */
function overDatabase(io: CommandIo): AdminDoor {
  const withAdmin = async <T>(run: (admin: Admin, now: number) => Promise<T>): Promise<Outcome<T>> => {
    const config = readConfig({ args: [], env: io.environment, cwd: io.folder })
    const server = await startServer({
      config: { ...config, port: 0, logLevel: 'silent' },
      tell: () => undefined,
      areas: io.areas,
    })
    try {
      const admin = { kernel: server.kernel, passwords: createPasswords({ concurrency: 2 }) }
      return { done: await run(admin, server.kernel.clock.now()) }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { code, status, title } = error.kind
      return { refused: { status, problem: { code, title, ...error.options.members, detail: error.options.detail } } }
    } finally {
      await server.stop()
    }
  }
  const actor = { tenantId: defaultTenantId, subject: { kind: 'entity', type: 'Server', id: 'cli' } } as const
  return {
    send: (verb, given) =>
      withAdmin((admin, now) =>
        // Whoever has the database has every tenant.
        (verb === 'apply' ? applyDocuments : planDocuments)(admin, { ...given, actor, now, mayOtherTenants: true }),
      ),
    export: (format) =>
      withAdmin(async (admin, now) => {
        const documents = await exportDocuments(admin, actor, now)
        return format === 'json' ? JSON.stringify({ documents }) : writeDocuments(documents)
      }),
    rotateKeys: (rotation) => withAdmin(({ kernel }) => rotateSigningKeys(kernel, actor, rotation)),
  }
}
