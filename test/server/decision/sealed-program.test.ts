import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import {
  compileProgram,
  createEntityStore,
  createEvaluator,
  type Program,
  readRequest,
} from '../../../policy-lang/index.ts'
import { openProgram, sealAtLeisure, sealProgram } from '../../../server/decision/sealed-program.ts'
import { readCases } from '../../policy-lang/cases/read-cases.ts'

const key = Buffer.alloc(32, 7)
const place = { tenantId: 'default', version: 'v1', compiler: 'c1' }
const text = `module p

entity Paper {
  owner?: User
}
import User from "writ:identity"
fn isHers(paper: Paper, user: User): Bool = has paper.owner and paper.owner == user
action read on Paper by User with { pages?: Int }
@id("short")
allow read on Paper to User when (context.pages ?? 0) <= 10
@id("owner")
allow read on p: Paper to u: User when isHers(p, u)
test "short papers" {
  let ann = User { }
  let p = Paper { }
  expect allow read on p by ann
}
`
const compiled = (): Program => {
  const { program, diagnostics } = compileProgram([{ path: 'p.fbac', text }])
  if (!program) throw new Error(JSON.stringify(diagnostics))
  return program
}
const ask = (pages: number) => ({
  subject: { type: 'User', id: 'ann' },
  action: { name: 'read', properties: { pages } },
  resource: { type: 'Paper', id: 'p' },
})

function inAnotherProcess(sealed: string, requests: readonly object[]) {
  const script = fileURLToPath(new URL('./run-sealed-program.ts', import.meta.url))
  const input = JSON.stringify({ key: key.toString('base64'), place, sealed, requests })
  const { stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
    input,
    encoding: 'utf8',
  })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as {
    readonly refused?: string
    readonly decisions: readonly object[]
    readonly loaded: readonly string[]
    readonly hash: string
  }
}

describe('a sealed program (SPEC 7.5)', () => {
  test('decides the same in another process, which loads nothing of the compiler', () => {
    const program = compiled()
    const requests = [ask(10), ask(11)]
    const { decisions, loaded, hash } = inAnotherProcess(sealProgram(key, place, program), requests)
    const wanted = requests.map((json) => {
      const read = readRequest(program, json)
      if (!read.ok) throw new Error(read.message)
      return createEvaluator(program).decide(createEntityStore(program), read.request, { now: 0 })
    })
    expect(decisions).toEqual(wanted)
    expect(decisions).toMatchObject([{ decision: true, reasons: ['short'] }, { decision: false }])
    expect(hash).toBe(program.hash)
    expect(loaded.filter((url) => url.includes('/policy-lang/')).length).toBeGreaterThan(50)
    const compiler =
      /\/policy-lang\/(grammar|ast|resolve|check|analyse|compile|parse-set|declare-set|ir\/lower)|nearley|\/moo\//
    expect(loaded.filter((url) => compiler.test(url))).toEqual([])
    expect(loaded.filter((url) => url.endsWith('/policy-lang/index.ts'))).toEqual([])
  })

  test.each(readCases('accepted'))('$name: tests and proofs stay behind, the rest comes back', async ({ files }) => {
    const { program } = compileProgram(files)
    if (!program) throw new Error('no program')
    expect(openProgram(key, place, sealProgram(key, place, program))).toEqual({ ...program, tests: [], proofs: [] })
    // Others are served in between; the text is the same.
    expect(await sealAtLeisure(key, place, program)).toBe(sealProgram(key, place, program))
  })

  test('altered anywhere, of another place, key or form, it is refused before it is read', () => {
    const sealed = sealProgram(key, place, compiled())
    const flipped = sealed.replace('"allow"', '"deny" ')
    expect(flipped).not.toBe(sealed)
    const altered = [
      flipped,
      `${sealed} `,
      sealed.replace('.', '.A'),
      sealed.slice(0, -1),
      sealed.replace(/\.[^\n]+/, '.'),
      sealed.replace(/\n.*/s, '\nnot even JSON'),
    ]
    for (const text of altered) expect(openProgram(key, place, text)).toBe('altered')
    expect(inAnotherProcess(flipped, [])).toEqual({ refused: 'altered' })
    for (const other of [{ tenantId: 'other' }, { version: 'v2' }, { compiler: 'c2' }]) {
      expect(openProgram(key, { ...place, ...other }, sealed)).toBe('altered')
    }
    expect(openProgram(Buffer.alloc(32), place, sealed)).toBe('altered')
    for (const text of ['', '\n', 'writ-program-2.x\n{}', sealed.slice(5)]) {
      expect(openProgram(key, place, text)).toBe('unknown-format')
    }
  })
})
