import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startWrit, type WritProcess } from '../kit/writ-process.ts'
import { measureHttp, startPeer } from './measure-http.ts'
import { bareClient } from './peers/bare-provider.ts'
import type { Report } from './run.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** A client of ours that may take tokens and ask for decisions, applied as a newcomer would. */
export function seedClient(writ: WritProcess, folder: string): { readonly id: string; readonly secret: string } {
  const client = { id: 'bench', secret: 'bench-secret-bench-secret-bench-secret' }
  const file = join(folder, 'client.yaml')
  writeFileSync(
    file,
    `kind: Client
name: bench
spec:
  clientId: ${client.id}
  clientSecret: { env: BENCH_SECRET }
  grantTypes: [client_credentials]
  tokenEndpointAuthMethod: client_secret_basic
  scope: access
`,
  )
  runCli(writ, ['apply', '-f', file], { BENCH_SECRET: client.secret })
  return client
}

/** Runs one command of the CLI against a running server of the development profile. */
export function runCli(writ: WritProcess, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const settings = { WRIT_URL: writ.issuer, WRIT_DATA: writ.dataFolder, ...env }
  return execFileSync(process.execPath, ['writ.mjs', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...settings },
  })
}

/** Client-credentials grants with an ES256 JWT: ours through the whole gate, beside the bare stack, both on one PostgreSQL. */
export const provider = {
  name: 'provider',
  summary: 'client-credentials grants a second vs. bare koa + oidc-provider + pg',
  async run(report: Report): Promise<void> {
    const databases = await report.databases(['writ_bench', 'bare_bench'])
    if (!databases) return
    const folder = mkdtempSync(join(tmpdir(), 'writ-bench-'))
    const bare = await startPeer(new URL('./peers/bare-provider.ts', import.meta.url), [databases[1] ?? ''])
    const writ = await startWrit({ DATABASE_URL: databases[0] ?? '', WRIT_LOG_LEVEL: 'warn' })
    try {
      const client = seedClient(writ, folder)
      const grant = (url: string, id: string, secret: string) => ({
        url,
        method: 'POST' as const,
        headers: {
          authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: 'grant_type=client_credentials&scope=access',
      })
      const isToken = (body: unknown) => typeof body === 'object' && body !== null && 'access_token' in body
      const peer = await measureHttp(
        grant(`${bare.url}/token`, bareClient.id, bareClient.secret),
        bare.child.pid,
        isToken,
      )
      const ours = await measureHttp(
        grant(`${writ.issuer}/oauth2/token`, client.id, client.secret),
        writ.child.pid,
        isToken,
      )
      report.row('bare stack', { ...peer })
      report.row('writ', { ...ours })
      report.ratio('writ / bare stack, grants a second', ours.requestsPerSecond / peer.requestsPerSecond, {
        atLeast: 0.5,
      })
    } finally {
      await writ.stop()
      bare.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
