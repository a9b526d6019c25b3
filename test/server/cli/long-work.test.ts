import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { makeFolder, notes, runWrit, type TestFolder } from './run-writ.ts'

let folder: TestFolder
beforeEach(() => {
  folder = makeFolder()
})
afterEach(() => folder.remove())
const writ = (...args: string[]) => runWrit(args, folder.path)

describe('hostile files at the command line (SPEC 1.6)', () => {
  test.each([
    ['10 MB of text', 'x'.repeat(10_000_000), 'F8001'],
    ['10 MB of items', 'const x = 1\n'.repeat(850_000), 'F8001'],
    ['brackets 100,000 deep', `const x =${'\n  ('.repeat(100_000)}`, 'F8005'],
    ['`not` 100,000 deep', `const x = ${'\n  not '.repeat(40_000)} true`, 'F8004'],
    ['a line of a million characters', `const x = "${'a'.repeat(1_000_000)}"`, 'F8002'],
    ['very many errors', 'const x =\n'.repeat(90_000), '… and 51 more'],
    ['bytes that are no text', Buffer.alloc(3_000_000, 0xff), 'F1001'],
  ])('%s: a diagnostic, no crash', async (_, text, code) => {
    folder.write({ 'a.fbac': text })
    const ended = await writ('check', 'a.fbac')
    expect(ended.code).toBe(1)
    expect(ended.error).toContain(code)
    expect(ended.error.length).toBeLessThan(100_000)
  })
})

describe('--progress', () => {
  const many = `${notes}${Array.from({ length: 15_000 }, (_, at) => `\n@id("r${at}")\nallow read on note: Note to owner of note\n  when note.hold and context.now.hour("UTC") > ${at % 24}\n`).join('')}`

  test('says once a second on standard error how far it is', async () => {
    folder.write({ 'a.fbac': many })
    const { code, error } = await writ('check', '--progress', 'a.fbac')
    expect(code).toBe(0)
    expect(error).toContain('1 file checked')
    expect(error).toMatch(/^(checking the policies, \d s\n)*1 file checked\n$/)
  })

  test('without it nothing is said where there is no terminal', async () => {
    folder.write({ 'a.fbac': many })
    expect((await writ('check', 'a.fbac')).error).toBe('1 file checked\n')
  })
})

describe('--edition (SPEC 6.12)', () => {
  test('the first is known; another is refused, with those that are known', async () => {
    folder.write({ 'a.fbac': notes })
    for (const command of ['check', 'test', 'coverage', 'fmt']) {
      expect((await writ(command, '--edition', '1', 'a.fbac')).code).toBe(0)
      const { code, error } = await writ(command, '--edition', '2', 'a.fbac')
      expect(code).toBe(2)
      expect(error).toContain('--edition is one of 1, not "2"')
    }
  })
})

describe('--watch', () => {
  /** Starts a command that stays, and answers when its standard error has said something. */
  function stay(...args: string[]) {
    const child = spawn(process.execPath, [fileURLToPath(new URL('../../../writ.mjs', import.meta.url)), ...args], {
      cwd: folder.path,
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString()
      })
    }
    const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
    return {
      async saying(words: string): Promise<void> {
        const deadline = Date.now() + 20_000
        while (!said.includes(words)) {
          if (Date.now() > deadline) throw new Error(`not said within 20 s: ${words}\n${said}`)
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        said = said.slice(said.indexOf(words) + words.length)
      },
      async stop(): Promise<number | null> {
        child.kill('SIGTERM')
        return ended
      },
    }
  }

  test('check looks again whenever a file changes, and ends with 0 when told to', async () => {
    folder.write({ 'a.fbac': notes })
    const watching = stay('check', '--watch', '.')
    try {
      await watching.saying('1 file checked')
      await watching.saying('watching')
      writeFileSync(join(folder.path, 'a.fbac'), notes.replace('note.hold', 'note.hld'))
      await watching.saying('did you mean "hold"?')
      writeFileSync(join(folder.path, 'a.fbac'), notes)
      await watching.saying('1 file checked')
      folder.write({ 'b.fbac': 'const one = 1\n' })
      await watching.saying('2 files checked')
    } finally {
      expect(await watching.stop()).toBe(0)
    }
  })

  test('test runs the tests again whenever a file changes', async () => {
    folder.write({ 'a.fbac': notes })
    const watching = stay('test', '--watch', 'a.fbac')
    try {
      await watching.saying('1 passed, 0 failed')
      await watching.saying('watching')
      writeFileSync(join(folder.path, 'a.fbac'), notes.replace('allow read on plan', 'deny read on plan'))
      await watching.saying('0 passed, 1 failed')
      writeFileSync(join(folder.path, 'a.fbac'), notes)
      await watching.saying('1 passed, 0 failed')
    } finally {
      await watching.stop()
    }
  })
})
