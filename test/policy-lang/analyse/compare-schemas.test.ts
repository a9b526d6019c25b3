import { describe, expect, test } from '@jest/globals'
import { compareSchemas, compileProgram, type Program } from '../../../policy-lang/index.ts'

const base = `module notes

import User, Group from "writ:identity"

entity Note {
  owner: User | Group
  status: "draft" | "published"
  title?: String
  size: Int
  relation reader: User | any User
}

action read on Note by User | Group with { reason?: String } scope "notes"

@id("r")
allow read on n: Note to owner of n
`

describe('schema change (SPEC 6)', () => {
  test('the same set takes nothing away', () => {
    expect(compare((text) => text)).toEqual([])
  })

  test('additions and widenings take nothing away', () => {
    expect(
      compare((text) =>
        text.replace('| "published"', '| "published" | "gone"').replace('  size:', '  more?: Int\n  size:'),
      ),
    ).toEqual([])
  })

  test('an attribute that is gone is a removal', () => {
    expect(compare((text) => text.replace('  size: Int\n', ''))).toEqual([
      { kind: 'removed', of: 'attribute', at: 'Note.size' },
    ])
  })

  test('@was makes it a rename, and a narrower type is told beside it', () => {
    expect(compare((text) => text.replace('size: Int', '@was("size") length: String'))).toEqual([
      { kind: 'renamed', of: 'attribute', at: 'Note.size', to: 'length' },
      { kind: 'narrowed', of: 'attribute', at: 'Note.size', detail: 'was int, is string' },
    ])
  })

  test.each([
    ['title?: String', 'title: String', 'attribute', 'Note.title', 'is required now'],
    ['"draft" | "published"', '"draft" | "other"', 'attribute', 'Note.status', 'no longer takes "published"'],
    ['owner: User | Group', 'owner: User', 'attribute', 'Note.owner', 'no longer takes Group'],
    ['User | any User', 'User', 'relation', 'Note.reader', 'no longer held by any User'],
    ['by User | Group', 'by User', 'action', 'read on Note', 'no longer by Group'],
    ['scope "notes"', 'scope "other"', 'action', 'read on Note', 'needs the scope "other"'],
    ['reason?: String', 'reason: String', 'argument', 'read on Note.reason', 'is required now'],
    ['reason?: String', 'reason?: String, x: Int', 'argument', 'read on Note.x', 'is a new required argument'],
  ])('%s to %s is a narrowing', (from, to, of, at, detail) => {
    expect(compare((text) => text.replace(from, to))).toEqual([{ kind: 'narrowed', of, at, detail }])
  })

  test('a type with its actions is a removal each', () => {
    const text = base.replaceAll('Note', 'Memo')
    expect(compareSchemas(compile(base), compile(text))).toEqual([
      { kind: 'removed', of: 'entity', at: 'Note' },
      { kind: 'removed', of: 'action', at: 'read on Note' },
    ])
  })
})

const compare = (edit: (text: string) => string) => compareSchemas(compile(base), compile(edit(base)))

function compile(text: string): Program {
  const { program, diagnostics } = compileProgram([{ path: 'notes.fbac', text }])
  if (!program) throw new Error(JSON.stringify(diagnostics.map(({ message }) => message)))
  return program
}
