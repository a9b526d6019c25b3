import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))

export type Ended = { readonly code: number | null; readonly out: string; readonly error: string }

/** The command line as a person runs it: a real process in a folder. */
export function runWrit(args: readonly string[], folder: string, input = ''): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, 'writ.mjs'), ...args], { cwd: folder })
  let out = ''
  let error = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    error += chunk.toString()
  })
  child.stdin.end(input)
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, error })))
}

export type TestFolder = {
  readonly path: string
  write(files: { readonly [name: string]: string | Buffer }): void
  remove(): void
}

export function makeFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'writ-cli-'))
  return {
    path,
    write(files) {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(path, name)), { recursive: true })
        writeFileSync(join(path, name), text)
      }
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** A small set that checks, is laid out as `fmt` does it, and whose test passes. */
export const notes = `module notes

import User, Organization from "writ:identity"

entity Note in Organization {
  owner: User
  hold: Bool
  relation reader: User
}

action read, edit on Note by User with { size?: Int }

@id("readers")
allow read on note: Note to reader of note or owner of note

@id("owners")
allow edit on note: Note to owner of note
  when (context.size ?? 0) <= 9_007_199_254_740_993

@id("hold")
deny edit on note: Note to anyone
  when note.hold
  because "This note is under hold."

test "owners edit what is not under hold" {
  let ann = User { }
  let bob = User { }
  let acme = Organization { }
  let plan = Note { organization: acme, owner: ann, hold: false }
  let kept = Note { organization: acme, owner: ann, hold: true }
  fact bob is reader of plan
  expect allow read on plan by bob from "readers"
  expect deny edit on plan by bob
  expect deny edit on kept by ann from "hold"
}
`

export const data = {
  entities: [
    { uid: { type: 'User', id: 'ann' }, attrs: {} },
    { uid: { type: 'Note', id: 'plan' }, attrs: { owner: { type: 'User', id: 'ann' }, hold: false } },
    { uid: { type: 'Note', id: 'kept' }, attrs: { owner: { type: 'User', id: 'ann' }, hold: true } },
  ],
  tuples: [{ subject: { type: 'User', id: 'bob' }, relation: 'reader', resource: { type: 'Note', id: 'plan' } }],
}

export const ask = (user: string, action: string, note: string, more: object = {}) => ({
  op: 'check',
  subject: { type: 'User', id: user },
  action,
  resource: { type: 'Note', id: note },
  ...more,
})
