import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Expr } from '../../../policy-lang/ir/nodes.ts'
import { compilerFingerprint } from '../../../server/decision/compiler-fingerprint.ts'
import { openProgram, sealProgram } from '../../../server/decision/sealed-program.ts'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const rules = (when: string) => `entity Paper {
}
action read on Paper by anyone
@id("read")
allow read on Paper to anyone when ${when}
`

let data: string
let server: TestServer
beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'writ-programs-'))
  server = await startServer({ policies: { 'p.fbac': rules('true') }, env: { WRIT_DATA: data } })
})
afterAll(async () => {
  await server.stop()
  rmSync(data, { recursive: true, force: true })
})

type Stored = { readonly version: string; readonly sealed: string }
const stored = () =>
  server.kernel.database.query<Stored>({
    name: 'test-programs',
    text: `select version, sealed from policy_program where tenant_id = 'default' order by created_at desc, version`,
  })
const put = (version: string, sealed: string) =>
  server.kernel.database.query({ name: 'test-put', text: 'update policy_program set sealed = $2 where version = $1' }, [
    version,
    sealed,
  ])
const key = () => server.kernel.secrets.deriveKey('policy-program')
const placeOf = async (version: string) => ({ tenantId: 'default', version, compiler: await compilerFingerprint() })
async function restart(): Promise<void> {
  await server.stop()
  server = await startServer({ env: { WRIT_DATA: data } })
}
async function decide(): Promise<boolean> {
  const { kernel } = server
  const policy = await kernel.policies.settled('default')
  const scope = {
    ...{ requestId: 'r', tenant: kernel.tenants.default(), scopes: new Set<string>(), ip: '', policy },
    ...{ subject: { kind: 'entity', type: 'Anonymous', id: '' } as const, now: 0 },
  }
  const resource = { kind: 'entity', type: 'Paper', id: 'p' } as const
  return (await kernel.decisions.decide(scope, { action: 'read', resource })).decision
}

describe('compiled programs are kept beside the versions (SPEC 7.5)', () => {
  test('what is stored is what the next start runs, without compiling', async () => {
    const [row] = await stored()
    if (!row) throw new Error('no program is stored')
    expect((await server.kernel.policies.current('default')).version).toBe(row.version)
    // Sealed by the very server for the very sources, but telling: only who runs what is stored sees it.
    const { program } = await server.kernel.policies.current('default')
    const never: Expr = { kind: 'literal', type: { kind: 'bool' }, span: { file: 0, start: 0, end: 0 }, value: false }
    const telling = program.rules.map((rule) => (rule.id === 'read' ? { ...rule, condition: never } : rule))
    await put(row.version, sealProgram(key(), await placeOf(row.version), { ...program, rules: telling }))
    await restart()
    expect(await decide()).toBe(false)
    await put(row.version, row.sealed)
    await restart()
    expect(await decide()).toBe(true)
  })

  test('an altered one is refused with an alarm, never run, and replaced by what the signed sources compile to', async () => {
    const [row] = await stored()
    if (!row) throw new Error('no program is stored')
    const altered = row.sealed.replace('"value":true', '"value":false')
    expect(altered).not.toBe(row.sealed)
    await put(row.version, altered)
    await restart()
    expect(await decide()).toBe(true)
    expect(server.log.some((line) => line.includes('program_refused') && line.includes('altered'))).toBe(true)
    const healed = (await stored()).find(({ version }) => version === row.version)?.sealed ?? ''
    const { program } = await server.kernel.policies.current('default')
    expect(openProgram(key(), await placeOf(row.version), healed)).toMatchObject({ hash: program.hash })
  })

  test('the newest few versions of a tenant are kept', async () => {
    for (let at = 0; at < 6; at += 1) await server.activate({ 'p.fbac': rules(`"${at}" != "x"`) })
    const kept = await stored()
    expect(kept).toHaveLength(4)
    expect(kept.map(({ version }) => version)).toContain((await server.kernel.policies.current('default')).version)
  })
})
