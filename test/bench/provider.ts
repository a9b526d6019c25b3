import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startWrit, type WritProcess } from '../kit/writ-process.ts'
import { measureHttp, type Peer, startPeer } from './measure-http.ts'
import { bareClient } from './peers/bare-provider.ts'
import { grantLoad, isToken, measureManyClients, measureSignIn } from './provider-rates.ts'
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

const person = { identifier: 'bench@example.test', password: 'violet otters juggle 41 lanterns' }
const rounds = 3

/** A confidential app and a person for whole sign-ins. */
function seedApp(writ: WritProcess, folder: string): { readonly id: string; readonly secret: string } {
  const app = { id: 'bench-app', secret: 'bench-app-secret-bench-app-secret-bench' }
  const file = join(folder, 'app.yaml')
  writeFileSync(
    file,
    `kind: Client
name: bench-app
spec:
  clientId: ${app.id}
  clientSecret: { env: BENCH_SECRET }
  redirectUris: ["${writ.issuer}/nothing/here"]
  grantTypes: [authorization_code, refresh_token]
  tokenEndpointAuthMethod: client_secret_basic
  scope: openid email offline_access
---
kind: User
name: bench
spec:
  email: ${person.identifier}
  emailVerified: true
  password: { env: BENCH_PASSWORD }
`,
  )
  runCli(writ, ['apply', '-f', file], { BENCH_SECRET: app.secret, BENCH_PASSWORD: person.password })
  return app
}

/** Grants with an ES256 JWT through the whole gate beside the bare stack, both on one PostgreSQL; then what else apps ask for. */
export const provider = {
  name: 'provider',
  summary: 'grants vs. bare koa + oidc-provider + pg; sign-in, introspection, userinfo and keys vs. a bare handler',
  async run(report: Report): Promise<void> {
    const databases = await report.databases(['writ_bench', 'bare_bench'])
    if (!databases) return
    const [url = '', bareUrl = ''] = databases
    const folder = mkdtempSync(join(tmpdir(), 'writ-bench-'))
    const bare = await startPeer(new URL('./peers/bare-provider.ts', import.meta.url), [bareUrl])
    const echo = await startPeer(new URL('./peers/bare-node.ts', import.meta.url))
    const writ = await startWrit({ DATABASE_URL: url, WRIT_LOG_LEVEL: 'warn' })
    try {
      const client = seedClient(writ, folder)
      await compareGrants(report, { writ, bare, client })
      await measureManyClients(report, { writ, url, client })
      const app = { ...seedApp(writ, folder), redirectUri: `${writ.issuer}/nothing/here` }
      await measureSignIn(report, { writ, client: app, user: person, echo })
    } finally {
      await writ.stop()
      bare.stop()
      echo.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** In turn, since the machine is another one each minute: the median round counts. */
async function compareGrants(
  report: Report,
  { writ, bare, client }: { readonly writ: WritProcess; readonly bare: Peer; readonly client: typeof bareClient },
): Promise<void> {
  const ratios: { rate: number; processor: number }[] = []
  for (let round = 0; round < rounds; round += 1) {
    const peer = await measureHttp(grantLoad(`${bare.url}/token`, bareClient), bare.child.pid, isToken)
    const ours = await measureHttp(grantLoad(`${writ.issuer}/oauth2/token`, client), writ.child.pid, isToken)
    report.row('bare stack', { ...peer })
    report.row('writ', { ...ours })
    ratios.push({
      rate: ours.requestsPerSecond / peer.requestsPerSecond,
      processor: (peer.processorMicroseconds ?? Number.NaN) / (ours.processorMicroseconds ?? Number.NaN),
    })
  }
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  report.ratio('writ / bare stack, grants a second', median(ratios.map(({ rate }) => rate)), { atLeast: 0.5 })
  report.ratio('bare stack / writ, processor time a grant', median(ratios.map(({ processor }) => processor)))
}
