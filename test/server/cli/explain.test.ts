import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { data, makeFolder, notes, runWrit, type TestFolder } from './run-writ.ts'

let folder: TestFolder
beforeEach(() => {
  folder = makeFolder()
  folder.write({ 'policies/notes.fbac': notes, 'data.json': JSON.stringify(data) })
})
afterEach(() => folder.remove())

const explain = (user: string, action: string, note: string, ...more: string[]) =>
  runWrit(
    [
      'explain',
      ...['--policy', 'policies', '--entities', 'data.json'],
      ...['--subject', `User::"${user}"`, '--action', action, '--resource', `Note::"${note}"`],
      ...more,
    ],
    folder.path,
  )

describe('writ explain (SPEC 7.4)', () => {
  test('says what denied, on which values, where it stands, and what would flip it; without colour in a pipe', async () => {
    const { code, out } = await explain('ann', 'edit', 'kept')
    expect(code).toBe(0)
    expect(out).toBe(`denied: edit on Note::"kept" by User::"ann"
  This note is under hold.

rules that deny
  deny "hold"  policies/notes.fbac:20:1
    true: resource.hold
      resource.hold = true

rules that allow
  allow "owners"  policies/notes.fbac:16:1
    true: subject in resource.owner
      Note::"kept".owner is User::"ann"
    true: (context.size ?? 0) <= 9007199254740993
      context.size is absent

the least that would make it allowed
  not (resource.hold)
    resource.hold = true
`)
  })

  test('shows how a relation is held', async () => {
    const { out } = await explain('bob', 'read', 'plan')
    expect(out).toContain('allowed: read on Note::"plan" by User::"bob"')
    expect(out).toContain('User::"bob" is reader of Note::"plan"')
  })

  test('--plan adds what the index does, and why rules are judged one by one', async () => {
    const { out } = await explain('ann', 'edit', 'kept', '--plan')
    expect(out).toMatch(/\nplan: 3 rules\n/)
    expect(out).toContain('not indexed: owners:')
  })

  test('JSON says the same to programs', async () => {
    const { out } = await explain('ann', 'edit', 'kept', '--format', 'json', '--plan')
    const answer = JSON.parse(out)
    expect(answer).toMatchObject({ decision: false, reasons: ['hold'], texts: ['This note is under hold.'] })
    expect(answer.rules.find((rule: { id: string }) => rule.id === 'hold')).toMatchObject({
      counts: true,
      file: 'policies/notes.fbac',
      line: 20,
      conditions: [{ text: 'resource.hold', outcome: 'true', values: [{ path: 'resource.hold', value: true }] }],
    })
    expect(answer.nearMiss).toMatchObject({ decision: true, isSmallest: true })
    expect(answer.plan.rules).toBe(3)
  })

  test('--as-caller tells nothing of a note that ann does not see', async () => {
    const known = await explain('eve', 'edit', 'kept', '--as-caller', '--format', 'json')
    const unknown = await explain('eve', 'edit', 'nowhere', '--as-caller', '--format', 'json')
    expect(known).toEqual(unknown)
    expect(JSON.parse(known.out)).toEqual({ decision: false, texts: [], advice: [], nearMisses: [] })
  })

  test('takes a whole request, and values of externs and tuples with it', async () => {
    const request = {
      subject: { type: 'User', id: 'eve' },
      action: 'read',
      resource: { type: 'Note', id: 'plan' },
      tuples: [{ subject: { type: 'User', id: 'eve' }, relation: 'reader', resource: { type: 'Note', id: 'plan' } }],
    }
    folder.write({ 'request.json': JSON.stringify(request) })
    const args = ['explain', '--policy', 'policies', '--entities', 'data.json', '--request', 'request.json']
    expect((await runWrit(args, folder.path)).out).toMatch(/^allowed: /)
    expect((await runWrit([...args, '--action', 'read'], folder.path)).code).toBe(2)
  })

  test('no subject is anonymous; an unknown action is said', async () => {
    const args = ['explain', '--policy', 'policies', '--action', 'fly', '--resource', 'Note::"plan"']
    expect((await runWrit(args, folder.path)).out).toBe('denied: fly on Note::"plan" by anonymous\n  unknown-action\n')
  })
})
