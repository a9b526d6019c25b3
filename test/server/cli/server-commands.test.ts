import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { makeFolder, runWrit, type TestFolder } from './run-writ.ts'

let folder: TestFolder
beforeEach(() => {
  folder = makeFolder()
})
afterEach(() => folder.remove())

describe('writ migrate', () => {
  test('applies what is missing, and the second time nothing', async () => {
    const first = await runWrit(['migrate'], folder.path)
    expect(first).toMatchObject({ code: 0 })
    expect(first.out).toContain('applied 0001-foundation')
    expect((await runWrit(['migrate'], folder.path)).out).toBe('The schema is up to date.\n')
  })

  test('a database that is not there is exit 4', async () => {
    const { code, error } = await runWrit(['migrate', '--database-url', 'postgres://127.0.0.1:1/x'], folder.path)
    expect(error).toBe('writ: the database cannot be reached\n')
    expect(code).toBe(4)
  })
})

describe('writ doctor', () => {
  test('a fresh folder is fine; what the first start will do is said', async () => {
    const { code, out } = await runWrit(['doctor', '--port', '0'], folder.path)
    expect(code).toBe(0)
    expect(out).toMatch(/^ok {3}database: embedded, PostgreSQL \d+$/m)
    expect(out).toMatch(/^warn schema: \d+ migrations/m)
    expect(out).toMatch(/^ok {3}policies: \d+ rules, (\d+) of \1 tests pass$/m)
  })

  test('every mistake of the configuration at once, and exit 2', async () => {
    const { code, out } = await runWrit(['doctor', '--port', 'x', '--issuer', 'nowhere'], folder.path)
    expect(code).toBe(2)
    expect(out.match(/^fail configuration/gm)).toHaveLength(2)
  })
})
