import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { ask, data, makeFolder, notes, runWrit, type TestFolder } from './run-writ.ts'

let folder: TestFolder
beforeEach(() => {
  folder = makeFolder()
  folder.write({ 'policies/notes.fbac': notes, 'data.json': JSON.stringify(data) })
})
afterEach(() => folder.remove())
const writ = (...args: string[]) => runWrit(args, folder.path)
const lines = (...values: unknown[]): string => values.map((value) => JSON.stringify(value)).join('\n')
const read = (out: string) =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('writ decide (import-cli.md)', () => {
  const decide = (...more: string[]) =>
    writ('decide', '--policy', 'policies', '--entities', 'data.json', '--requests', 'r.jsonl', ...more)

  test('answers each line with decision, reasons and errors', async () => {
    folder.write({
      'r.jsonl': lines(ask('bob', 'read', 'plan'), ask('bob', 'edit', 'plan'), ask('ann', 'edit', 'kept')),
    })
    const { code, out } = await decide('--format', 'jsonl')
    expect(code).toBe(0)
    expect(read(out)).toMatchObject([
      { decision: true, reasons: ['readers'], errors: [], degraded: [], advice: [] },
      { decision: false, reasons: [] },
      { decision: false, reasons: ['hold'], texts: ['This note is under hold.'] },
    ])
  })

  test('says what in the data leads nowhere or is of another type, and goes on', async () => {
    const odd = { uid: { type: 'Note', id: 'odd' }, attrs: { owner: { type: 'User', id: 'gone' }, hold: 'yes' } }
    folder.write({
      'data.json': JSON.stringify({ ...data, entities: [...data.entities, odd] }),
      'r.jsonl': lines(ask('ann', 'read', 'plan')),
    })
    const { code, out, error } = await decide()
    expect([code, read(out)]).toMatchObject([0, [{ decision: true }]])
    expect(error).toContain('has no row')
    expect(error).toContain('hold is of another type: it counts as missing')
  })

  test('lists resources and subjects, sorted, also those that only a tuple names', async () => {
    folder.write({
      'r.jsonl': lines(
        { op: 'listResources', subject: { type: 'User', id: 'ann' }, action: 'read', type: 'Note' },
        { op: 'listSubjects', resource: { type: 'Note', id: 'plan' }, action: 'read', type: 'User' },
      ),
    })
    expect(read((await decide()).out)).toEqual([{ ids: ['kept', 'plan'] }, { ids: ['ann', 'bob'] }])
  })

  test('tuples of a request hold for it only; one that the policies do not allow makes it invalid', async () => {
    const tuple = { subject: { type: 'User', id: 'eve' }, relation: 'reader', resource: { type: 'Note', id: 'plan' } }
    folder.write({
      'r.jsonl': lines(
        ask('eve', 'read', 'plan', { tuples: [tuple] }),
        ask('eve', 'read', 'plan'),
        ask('eve', 'read', 'plan', { tuples: [{ ...tuple, relation: 'writer' }] }),
      ),
    })
    expect(read((await decide()).out)).toMatchObject([
      { decision: true },
      { decision: false },
      { error: { code: 'invalid-request' } },
    ])
  })

  test('integers are exact to 64 bits', async () => {
    const request = (size: string) =>
      `{"subject":{"type":"User","id":"ann"},"action":"edit","resource":{"type":"Note","id":"plan"},"context":{"size":${size}}}`
    folder.write({ 'r.jsonl': `${request('9007199254740993')}\n${request('9007199254740994')}\n` })
    expect(read((await decide()).out).map(({ decision }) => decision)).toEqual([true, false])
  })

  test('what is no request is answered so, and never allowed', async () => {
    folder.write({
      'r.jsonl': lines({}, [], ask('ann', 'fly', 'plan'), { ...ask('ann', 'read', 'plan'), op: 'guess' }),
    })
    expect(read((await decide()).out)).toMatchObject([
      { error: { code: 'invalid-request' } },
      { error: { code: 'invalid-request' } },
      { decision: false, code: 'unknown-action' },
      { error: { code: 'invalid-request' } },
    ])
  })

  test('--exit-code is 1 if anything is denied, 0 if all is allowed', async () => {
    folder.write({ 'r.jsonl': lines(ask('bob', 'read', 'plan')) })
    expect((await decide('--exit-code')).code).toBe(0)
    folder.write({ 'r.jsonl': lines(ask('bob', 'read', 'plan'), ask('eve', 'read', 'plan')) })
    expect((await decide('--exit-code')).code).toBe(1)
  })

  test('a line that is not JSON, a wrong clock, missing files: exit 2', async () => {
    folder.write({ 'r.jsonl': '{"a":1,"a":2}\n' })
    expect((await decide()).code).toBe(2)
    folder.write({ 'r.jsonl': lines(ask('bob', 'read', 'plan')) })
    expect((await decide('--now', 'yesterday')).code).toBe(2)
    expect((await writ('decide', '--policy', 'policies')).code).toBe(2)
    expect((await writ('decide', '--policy', 'policies', '--requests', 'none.jsonl')).code).toBe(2)
  })
})

describe('writ decide --batch (import-cli.md)', () => {
  const cases = (id: string, more: object = {}) => ({
    id,
    language: 'fbac',
    files: { policies: notes },
    data,
    requests: [ask('bob', 'read', 'plan')],
    ...more,
  })

  test('one case in, one line out, in order; a bad case never stops the batch', async () => {
    const wrong = { policies: notes.replace('note.hold', 'note.hld') }
    folder.write({
      'cases.jsonl': `${lines(cases('a'), cases('b', { files: wrong }), cases('c', { language: 'cedar' }))}\nnot json\n\n${lines(cases('d', { data: { entities: [{ uid: 1 }] } }), cases('e'))}\n`,
    })
    const { code, out } = await writ('decide', '--batch', 'cases.jsonl', '--format', 'jsonl')
    expect(code).toBe(0)
    expect(read(out)).toMatchObject([
      { id: 'a', status: 'ok', answers: [{ decision: true, reasons: ['readers'] }] },
      {
        id: 'b',
        status: 'refused',
        refusals: expect.arrayContaining([expect.objectContaining({ file: 'policies.fbac', line: 22, column: 13 })]),
      },
      { id: 'c', status: 'refused', refusals: [{ code: 'language-not-supported' }] },
      { id: null, status: 'refused', refusals: [{ code: 'invalid-case' }] },
      { id: 'd', status: 'refused', refusals: [{ code: 'invalid-data' }] },
      { id: 'e', status: 'ok' },
    ])
  })

  test('several threads give the same lines in the same order', async () => {
    const many = Array.from({ length: 40 }, (_, index) =>
      cases(`c${index}`, { requests: [ask(index % 2 ? 'bob' : 'eve', 'read', 'plan')] }),
    )
    folder.write({ 'cases.jsonl': lines(...many) })
    const [one, two] = [
      await writ('decide', '--batch', 'cases.jsonl'),
      await writ('decide', '--batch', 'cases.jsonl', '--jobs', '2'),
    ]
    expect(two.out).toBe(one.out)
    expect(read(one.out)).toHaveLength(40)
  })

  test('externs come from the data; absent ones have failed (fbac.md §9)', async () => {
    const policies = `module risk

import User from "writ:identity"

entity Door { }

extern fn score(user: User): Int within 50ms else 0

action open on Door by User

@id("low")
allow open on Door to User

@id("high")
deny open on Door to u: User
  when score(u) > 50
  because "Too risky."
`
    const question = { subject: { type: 'User', id: 'a' }, action: 'open', resource: { type: 'Door', id: 'd' } }
    const of = (id: string, externs: object) => ({
      id,
      language: 'fbac',
      files: { policies },
      data: { entities: [], externs },
      requests: [question],
    })
    folder.write({
      'cases.jsonl': lines(
        of('low', { score: 10 }),
        of('high', { score: 90 }),
        of('absent', {}),
        of('fails', { score: { fails: true } }),
      ),
    })
    const { out } = await writ('decide', '--batch', 'cases.jsonl')
    expect(read(out).map(({ answers }) => answers?.[0])).toMatchObject([
      { decision: true },
      { decision: false, reasons: ['high'] },
      { decision: false, degraded: ['high'] },
      { decision: false, degraded: ['high'] },
    ])
  })

  test('now is the case’s, else the command’s, and a request may bring its own', async () => {
    const policies = `module clock

import User from "writ:identity"

entity Door { }

action open on Door by User

@id("after")
allow open on Door to User
  when context.now >= 2026-05-01T00:00:00Z
`
    const question = { subject: { type: 'User', id: 'a' }, action: 'open', resource: { type: 'Door', id: 'd' } }
    const before = { ...question, now: '2026-04-30T00:00:00Z' }
    const of = (id: string, more: object) => ({
      id,
      language: 'fbac',
      files: { policies },
      requests: [question, before],
      ...more,
    })
    folder.write({ 'cases.jsonl': lines(of('own', { now: '2026-06-01T00:00:00Z' }), of('given', {})) })
    const { out } = await writ('decide', '--batch', 'cases.jsonl', '--now', '2026-01-01T00:00:00Z')
    const decisions = read(out).map(({ answers }) => answers.map(({ decision }: { decision: boolean }) => decision))
    expect(decisions).toEqual([
      [true, false],
      [false, false],
    ])
  })
})
