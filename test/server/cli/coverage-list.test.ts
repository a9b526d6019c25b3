import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { data, makeFolder, notes, runWrit, type TestFolder } from './run-writ.ts'

let folder: TestFolder
beforeEach(() => {
  folder = makeFolder()
  folder.write({ 'policies/notes.fbac': notes, 'data.json': JSON.stringify(data) })
})
afterEach(() => folder.remove())
const writ = (...args: string[]) => runWrit(args, folder.path)

describe('writ coverage (SPEC 9)', () => {
  test('names each rule and condition that the tests left unseen, and the sums', async () => {
    const { code, out } = await writ('coverage', 'policies')
    expect(code).toBe(0)
    expect(out).toContain('policies/notes.fbac:14: `owner of note` was never true')
    expect(out).toMatch(/rules\s+3 of 3 \(100 %\)\nconditions\s+2 of 5 \(40 %\)\n$/)
  })

  test('a deny is shown only by denying and not denying', async () => {
    folder.write({ 'policies/notes.fbac': notes.replace('  expect deny edit on kept by ann from "hold"\n', '') })
    const { out } = await writ('coverage', 'policies')
    expect(out).toContain('deny "hold" was never denying')
    expect(out).toMatch(/rules\s+\d of 3/)
  })

  test('JSON says true and false per condition', async () => {
    const { out } = await writ('coverage', 'policies', '--format', 'json')
    const { rules, summary } = JSON.parse(out)
    expect(summary).toMatchObject({ rules: 3, coveredRules: 3, conditions: 5, coveredConditions: 2 })
    const hold = rules.find((rule: { id: string }) => rule.id === 'hold')
    expect(hold.conditions).toContainEqual({
      text: 'note.hold',
      line: expect.any(Number),
      seenTrue: true,
      seenFalse: true,
    })
  })

  test('below the threshold is exit 1, at it exit 0; rules and conditions apart', async () => {
    expect((await writ('coverage', 'policies', '--threshold', '100,40')).code).toBe(0)
    expect((await writ('coverage', 'policies', '--threshold', '100,41')).code).toBe(1)
    expect((await writ('coverage', 'policies', '--threshold', '101')).code).toBe(2)
  })

  test('HTML shows the text of conditions, escaped', async () => {
    await writ('coverage', 'policies', '--html', 'report.html')
    const page = readFileSync(join(folder.path, 'report.html'), 'utf8')
    expect(page).toContain('<code>note.hold</code>')
    expect(page).toContain('(context.size ?? 0) &#60;= 9_007_199_254_740_993')
  })

  test('a set with mistakes has no coverage: exit 1', async () => {
    folder.write({ 'policies/notes.fbac': notes.replace('note.hold', 'note.hld') })
    expect(await writ('coverage', 'policies')).toMatchObject({ code: 1, out: '' })
  })
})

describe('writ list (import-cli.md)', () => {
  const list = (...more: string[]) => writ('list', '--policy', 'policies', '--entities', 'data.json', ...more)

  test('lists resources that a subject may act on, one id a line', async () => {
    const { code, out } = await list('--subject', 'User::"ann"', '--action', 'read', '--type', 'Note')
    expect({ code, out }).toEqual({ code: 0, out: 'kept\nplan\n' })
  })

  test('lists subjects that may act on a resource', async () => {
    const bob = { uid: { type: 'User', id: 'bob' }, attrs: {} }
    folder.write({ 'data.json': JSON.stringify({ ...data, entities: [...data.entities, bob] }) })
    const { out } = await list('--resource', 'Note::"plan"', '--action', 'read', '--type', 'User', '--format', 'json')
    expect(JSON.parse(out)).toEqual({ ids: ['ann', 'bob'] })
  })

  test('ids that only tuples name are listed, as subjects and as resources', async () => {
    const subject = { type: 'User', id: 'kim' }
    const tuples = [...data.tuples, { subject, relation: 'reader', resource: { type: 'Note', id: 'loose' } }]
    folder.write({ 'data.json': JSON.stringify({ ...data, tuples }) })
    expect((await list('--subject', 'User::"kim"', '--action', 'read', '--type', 'Note')).out).toBe('loose\n')
    expect((await list('--resource', 'Note::"loose"', '--action', 'read', '--type', 'User')).out).toBe('kim\n')
    expect((await list('--resource', 'Note::"plan"', '--action', 'read', '--type', 'User')).out).toBe('ann\nbob\n')
  })

  test('nobody is no line, not an error', async () => {
    expect(await list('--subject', 'User::"eve"', '--action', 'edit', '--type', 'Note')).toMatchObject({
      code: 0,
      out: '',
    })
  })

  test('an entity that is none, or both sides given, is exit 2', async () => {
    expect((await list('--subject', 'ann', '--action', 'read', '--type', 'Note')).code).toBe(2)
    const both = ['--subject', 'User::"a"', '--resource', 'Note::"plan"']
    expect((await list(...both, '--action', 'read', '--type', 'Note')).code).toBe(2)
  })
})
