import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { areas } from '../../../areas.ts'
import { runCommandLine } from '../../../server/cli/run.ts'
import { openRig, type Rig } from './rig.ts'

let rig: Rig
const folder = mkdtempSync(join(tmpdir(), 'writ-state-'))
beforeAll(async () => {
  rig = await openRig()
}, 60_000)
afterAll(async () => {
  await rig?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function writ(args: readonly string[], environment: { readonly [name: string]: string } = {}) {
  let out = ''
  let error = ''
  const code = await runCommandLine(args, {
    out: async (text) => {
      out += text
    },
    error: (text) => {
      error += text
    },
    color: false,
    colorOut: false,
    environment: { WRIT_URL: rig.server.url, WRIT_TOKEN: rig.token, ...environment },
    folder,
    now: () => Date.now(),
    stopSignal: () => new AbortController().signal,
    areas: async () => areas,
  })
  return { code, out, error }
}

test('apply fills in secrets of its own environment and policy folders, and twice changes nothing (surface.md, CLI)', async () => {
  mkdirSync(join(folder, 'policies'))
  writeFileSync(
    join(folder, 'policies', 'a.fbac'),
    'entity Leaf {\n}\n\naction see on Leaf by anyone\n\n@id("see-leaf")\nallow see on Leaf to anyone\n',
  )
  writeFileSync(
    join(folder, 'state.yaml'),
    'kind: Client\nname: judge\nspec:\n  clientSecret: { env: JUDGE_SECRET }\n  grantTypes: [client_credentials]\n---\nkind: PolicySet\nname: leaves\nspec: { dir: ./policies }\n---\nkind: Entity\nname: Leaf/l1\n',
  )
  const missing = await writ(['apply', '-f', 'state.yaml'])
  expect([missing.code, missing.error]).toEqual([
    2,
    expect.stringContaining('state.yaml:4: The environment has no JUDGE_SECRET'),
  ])
  const secret = { JUDGE_SECRET: 'a secret of the judge himself' }
  const first = await writ(['apply', '-f', 'state.yaml'], secret)
  expect([first.code, first.error]).toEqual([0, ''])
  expect(first.out).toContain('3 created')
  expect((await writ(['apply', '-f', 'state.yaml'], secret)).out).toBe('0 created, 0 changed, 0 deleted, 3 unchanged\n')
  expect((await writ(['export'])).out).not.toContain(secret.JUDGE_SECRET)
})

test('a refusal of the server names file and line, exit 1; nobody there, exit 4', async () => {
  writeFileSync(join(folder, 'wrong.yaml'), 'kind: Entity\nname: Leaf/l2\nspec:\n  attributes:\n    colour: red\n')
  const refused = await writ(['apply', '-f', 'wrong.yaml'])
  expect([refused.code, refused.error]).toEqual([
    1,
    expect.stringContaining('wrong.yaml:5: Leaf declares no attribute colour'),
  ])
  expect((await writ(['plan', '-f', 'wrong.yaml'], { WRIT_URL: 'http://127.0.0.1:1' })).code).toBe(4)
  const elsewhere = await writ(['export'], { WRIT_URL: 'http://example.test', WRIT_TOKEN: '' })
  expect(elsewhere.code).toBe(2)
  expect(elsewhere.error).toContain('WRIT_TOKEN is not set')
})
