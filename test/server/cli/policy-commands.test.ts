import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { makeFolder, notes, runWrit, type TestFolder } from './run-writ.ts'

let folder: TestFolder
beforeEach(() => {
  folder = makeFolder()
})
afterEach(() => folder.remove())
const writ = (...args: string[]) => runWrit(args, folder.path)

describe('the command line (surface.md, CLI)', () => {
  test('--help lists every command and ends well', async () => {
    const { code, out } = await writ('--help')
    expect(code).toBe(0)
    for (const name of ['check', 'fmt', 'test', 'decide', 'start', 'migrate', 'doctor'])
      expect(out).toContain(`  ${name}`)
  })

  test('a command explains itself', async () => {
    const { code, out } = await writ('fmt', '--help')
    expect(code).toBe(0)
    expect(out).toContain('writ fmt [--check]')
  })

  test('without a command: the list, and exit 2', async () => {
    expect((await writ()).code).toBe(2)
  })

  test('an unknown command is exit 2 with the one that was meant', async () => {
    const { code, error } = await writ('chekc')
    expect(code).toBe(2)
    expect(error).toContain('did you mean "check"?')
  })

  test('an unknown flag is exit 2 with the one that was meant, never a stack', async () => {
    const { code, error } = await writ('check', '--wach', '.')
    expect(code).toBe(2)
    expect(error).toContain('did you mean --watch?')
    expect(error).not.toMatch(/\n\s+at /)
  })

  test('a format that does not exist is exit 2', async () => {
    folder.write({ 'a.fbac': notes })
    expect((await writ('check', 'a.fbac', '--format', 'xml')).code).toBe(2)
  })

  test('a file that is not there is exit 2', async () => {
    const { code, error } = await writ('check', 'nothing.fbac')
    expect(code).toBe(2)
    expect(error).toContain('there is no file or folder nothing.fbac')
  })
})

describe('writ check', () => {
  test('a right set is exit 0, and folders are read whole', async () => {
    folder.write({ 'deep/er/notes.fbac': notes, 'node_modules/x.fbac': 'garbage', '.hidden/x.fbac': 'garbage' })
    const { code, error } = await writ('check', '.')
    expect(error).toContain('1 file checked')
    expect(code).toBe(0)
  })

  test('every mistake with its place, a code frame and a suggestion; exit 1', async () => {
    folder.write({
      'notes.fbac': notes.replace('to owner of note\n', 'to ownr of note\n').replace('note.hold', 'note.hld'),
    })
    const { code, error } = await writ('check', 'notes.fbac')
    expect(code).toBe(1)
    expect(error).toMatch(/notes\.fbac:17:/)
    expect(error).toContain('did you mean "owner"?')
    expect(error).toContain('did you mean "hold"?')
    expect(error).toMatch(/\^{4}/)
    expect(error).not.toContain('\u001b[')
  })

  test('the same for programs', async () => {
    folder.write({ 'notes.fbac': notes.replace('note.hold', 'note.hld') })
    const { code, out } = await writ('check', 'notes.fbac', '--format', 'json')
    expect(code).toBe(1)
    expect(JSON.parse(out).diagnostics[0]).toMatchObject({ severity: 'error', path: 'notes.fbac', start: { line: 22 } })
  })

  test('bytes that are not UTF-8 are a diagnostic', async () => {
    folder.write({ 'a.fbac': Buffer.from([0x6d, 0xff, 0xfe]) })
    const { code, error } = await writ('check', 'a.fbac')
    expect(code).toBe(1)
    expect(error).toContain('F1001')
  })

  test("--shipped adds what every tenant has, so that a tenant's rules about files check", async () => {
    folder.write({ 'demo.fbac': '@id("no")\ndeny remove on StoredObject to anyone\n  because "No."\n' })
    expect((await writ('check', 'demo.fbac')).code).toBe(1)
    expect((await writ('check', '--shipped', 'demo.fbac')).code).toBe(0)
  })

  test('a file under organizations/<id>/ is of that layer: it declares nothing (SPEC 6)', async () => {
    folder.write({ 'notes.fbac': notes, 'organizations/acme/own.fbac': 'entity Extra { }\n' })
    expect((await writ('check', '.')).code).toBe(1)
  })
})

describe('writ fmt', () => {
  const untidy = notes
    .replace('allow read on note', 'allow   read on note')
    .replace('  owner: User', '      owner: User')

  test('lays a file out, and a second run changes nothing', async () => {
    folder.write({ 'notes.fbac': untidy })
    expect((await writ('fmt', 'notes.fbac')).code).toBe(0)
    const once = readFileSync(join(folder.path, 'notes.fbac'), 'utf8')
    expect(once).toBe(notes)
    expect((await writ('fmt', '--check', '.')).code).toBe(0)
  })

  test('--check writes nothing and is exit 1', async () => {
    folder.write({ 'notes.fbac': untidy })
    const { code, error } = await writ('fmt', '--check', 'notes.fbac')
    expect(code).toBe(1)
    expect(error).toContain('would change notes.fbac')
    expect(readFileSync(join(folder.path, 'notes.fbac'), 'utf8')).toBe(untidy)
  })

  test('a file that cannot be read is left as it is; exit 1', async () => {
    folder.write({ 'notes.fbac': `${untidy}\nallow (` })
    const { code } = await writ('fmt', 'notes.fbac')
    expect(code).toBe(1)
    expect(readFileSync(join(folder.path, 'notes.fbac'), 'utf8')).toBe(`${untidy}\nallow (`)
  })

  test('keeps the mode of the file', async () => {
    folder.write({ 'notes.fbac': untidy })
    chmodSync(join(folder.path, 'notes.fbac'), 0o640)
    await writ('fmt', 'notes.fbac')
    expect(statSync(join(folder.path, 'notes.fbac')).mode & 0o777).toBe(0o640)
  })
})

describe('writ test', () => {
  test('runs the test items', async () => {
    folder.write({ 'notes.fbac': notes })
    const { code, out } = await writ('test', '.')
    expect(out).toBe('1 passed, 0 failed\n')
    expect(code).toBe(0)
  })

  test('an expectation that does not hold is shown at its place; exit 1', async () => {
    folder.write({ 'notes.fbac': notes.replace('expect deny edit on plan by bob', 'expect allow edit on plan by bob') })
    const { code, out, error } = await writ('test', 'notes.fbac')
    expect(code).toBe(1)
    expect(out).toBe('0 passed, 1 failed\n')
    expect(error).toContain('expected allow, got deny')
    expect(error).toContain('expect allow edit on plan by bob')
  })

  test('what does not compile has no tests; exit 1', async () => {
    folder.write({ 'notes.fbac': notes.replace('note.hold', 'note.hld') })
    expect((await writ('test', 'notes.fbac')).code).toBe(1)
  })
})
