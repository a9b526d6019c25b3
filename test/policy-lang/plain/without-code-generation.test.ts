import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const suites = ['../agreement/', '../cases/'].flatMap((folder) =>
  readdirSync(here(folder))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => here(folder + name)),
)

async function runPlainly(flags: readonly string[], files: readonly string[]) {
  const args = [
    ...flags,
    '--disable-warning=ExperimentalWarning',
    fileURLToPath(new URL('./run-plainly.ts', import.meta.url)),
    ...files,
  ]
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, WRIT_AGREEMENT_RUNS: process.env.WRIT_AGREEMENT_RUNS ?? '30' },
    maxBuffer: 64 * 1024 * 1024,
  })
  return JSON.parse(stdout) as { readonly forbidden: boolean; readonly ran: number; readonly failures: string[] }
}

describe('where code generation is forbidden (SPEC 7.2)', () => {
  test('every executor agrees on the corpus, the examples, the workloads and generated programs, and lists are complete', async () => {
    const { forbidden, ran, failures } = await runPlainly(['--disallow-code-generation-from-strings'], suites)
    expect(failures).toEqual([])
    expect(forbidden).toBe(true)
    expect(ran).toBeGreaterThan(150)
  }, 120_000)

  test('the run tells a failing test from a passing one, and whether the flag holds', async () => {
    const { forbidden, ran, failures } = await runPlainly(
      [],
      [fileURLToPath(new URL('./one-fails.ts', import.meta.url))],
    )
    expect({ forbidden, ran }).toEqual({ forbidden: false, ran: 3 })
    expect(failures).toEqual([expect.stringMatching(/^outer › two #1: .*toBe/s)])
  })
})
