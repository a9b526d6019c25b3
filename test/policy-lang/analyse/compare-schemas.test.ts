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
    expect(changesOf(base, text)).toEqual([
      { kind: 'removed', of: 'entity', at: 'Note' },
      { kind: 'removed', of: 'action', at: 'read on Note' },
    ])
  })

  test('@was makes a type a rename wherever it is named, and its actions with it', () => {
    const link = base.replace('  size: Int\n', '  size: Int\n  next?: Note\n  relation twin: Note\n')
    const text = link.replaceAll('Note', 'Memo').replace('entity Memo', '@was("Note")\nentity Memo')
    expect(changesOf(link, text)).toEqual([
      { kind: 'renamed', of: 'entity', at: 'Note', to: 'Memo' },
      { kind: 'renamed', of: 'action', at: 'read on Note', to: 'read on Memo' },
    ])
  })

  test('@was makes relations and actions renames, and narrowings of them are told', () => {
    const text = base
      .replace('relation reader: User | any User', '@was("reader") relation watcher: User')
      .replace('action read', '@was("read")\naction look')
      .replace('allow read', 'allow look')
      .replace('by User | Group', 'by User')
    expect(changesOf(base, text)).toEqual([
      { kind: 'renamed', of: 'relation', at: 'Note.reader', to: 'watcher' },
      { kind: 'narrowed', of: 'relation', at: 'Note.reader', detail: 'no longer held by any User' },
      { kind: 'renamed', of: 'action', at: 'read on Note', to: 'look' },
      { kind: 'narrowed', of: 'action', at: 'read on Note', detail: 'no longer by Group' },
    ])
  })

  test('a new required attribute: what is stored lacks it; a new optional one takes nothing away', () => {
    expect(compare((text) => text.replace('  size: Int\n', '  size: Int\n  color: String\n'))).toEqual([
      { kind: 'narrowed', of: 'attribute', at: 'Note.color', detail: 'is a new required attribute' },
    ])
    expect(compare((text) => text.replace('  size: Int\n', '  size: Int\n  color?: String\n'))).toEqual([])
  })

  test('externs: gone, called with other arguments, returning less', () => {
    const rule = '\n@id("e")\nallow read on Note to u: User\n  when risk(u) > 3\n'
    const before = `${base}extern fn risk(who: User | Group): Int within 20ms else 0\n${rule}`
    const edit = (from: string, to: string) => changesOf(before, before.replace(from, to))
    expect(changesOf(before, base)).toEqual([{ kind: 'removed', of: 'extern', at: 'risk' }])
    expect(edit('User | Group): Int', 'User): Int')).toEqual([])
    expect(edit('): Int', ', n?: Int): Int').map(({ detail }) => detail)).toEqual(['is called with other arguments'])
    expect(edit('within 20ms else 0', 'within 30ms else 5')).toEqual([])
    const asText = before
      .replace('): Int within 20ms else 0', '): Decimal within 20ms else 0.0')
      .replace('> 3', '> 3.0')
    expect(changesOf(before, asText)).toEqual([
      { kind: 'narrowed', of: 'extern', at: 'risk', detail: 'returns: was int, is decimal' },
    ])
  })

  test('conditions of stored tuples: gone, or with parameters that no tuple carries', () => {
    const before = `${base}fn early(hour: Int): Bool = hour < 12\nextend entity Note { relation guest: User if early }\n`
    const edit = (from: string, to: string) => changesOf(before, before.replace(from, to))
    expect(changesOf(before, base)).toEqual([
      { kind: 'removed', of: 'relation', at: 'Note.guest' },
      { kind: 'removed', of: 'condition', at: 'early' },
    ])
    expect(edit('(hour: Int)', '(hour: Int, more: Int)')).toEqual([
      { kind: 'narrowed', of: 'condition', at: 'early.more', detail: 'is a new required parameter' },
    ])
    expect(edit('(hour: Int)', '(hour: Int, more?: Int)')).toEqual([])
  })

  test('each change names its place in the new files; what is gone, what it was removed from', () => {
    const text = `// moved down\n\n${base.replace('owner: User | Group', 'owner: User').replace('  size: Int\n', '')}`
    const found = compareSchemas(compile(base), compile(text.replace('// moved down\n\n', '')))
    const source = text.replace('// moved down\n\n', '')
    expect(found.map(({ at, span }) => [at, source.slice(span?.start, span?.end)])).toEqual([
      ['Note.owner', 'owner: User'],
      ['Note.size', 'Note'],
    ])
  })
})

/** Without places: one test is about them. */
const compare = (edit: (text: string) => string) => changesOf(base, edit(base))
const changesOf = (before: string, after: string) =>
  compareSchemas(compile(before), compile(after)).map(({ span: _, ...change }) => change)

function compile(text: string): Program {
  const { program, diagnostics } = compileProgram([{ path: 'notes.fbac', text }])
  if (!program) throw new Error(JSON.stringify(diagnostics.map(({ message }) => message)))
  return program
}
