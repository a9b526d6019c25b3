import { describe, expect, test } from '@jest/globals'
import {
  compileProgram,
  createEntityStore,
  type ExplainQuestion,
  explain,
  type Json,
  type Program,
  parseStrictJson,
  readData,
  readRequest,
  writeExplanation,
  writeJson,
} from '../../../policy-lang/index.ts'

const policy = `
module desk

import User, Group, Organization from "writ:identity"

entity Folder in Organization {
  @personal keeper?: User
  relation viewer: User | Group
  relation canView = viewer or keeper
  relation blocked: User
  relation canEdit = viewer minus blocked
}
entity Note in folder: Folder {
  owner: User
  status: "draft" | "published" | "archived"
  hold: Bool
  size: Int
  @personal author?: String
  @secret pin?: Int
  place?: { city: String, @personal street?: String }
}
fn small(n: Int, most: Int): Bool = n <= most

action read, edit on Note by User with { limit?: Int, @personal reason?: String }
action peek on Note by anyone
action burn on Note by User

@id("viewers")
allow read on n: Note to canView of n.folder
  when n.status == "published" or n.status == "archived"

@id("owners")
allow read, edit on n: Note to owner of n
  unless small(context.limit ?? 0, 10) and n.status == "draft"

@id("hold")
deny edit on n: Note to anyone
  when n.hold
  because "This note is under hold."

@id("sessions")
deny read, edit on Note to User
  unless has context.session and context.session.acr >= "mfa"
  because "A second factor is needed."
  advise stepUp(acr: "mfa")

@id("author")
allow peek on n: Note to anyone
  when has n.author and n.author == "Ann Other"

@id("peek-closed")
deny peek on n: Note to anyone
  when n.hold
  because "Closed."
  advise captcha()

@id("burn")
allow burn on n: Note to User
  when has n.pin and n.pin == 7 and has n.place and n.place.city == "Oslo"
`

function compiled(text: string): Program {
  const { program, diagnostics } = compileProgram([{ path: 'desk.fbac', text }])
  if (!program) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  return program
}
const program = compiled(policy)
const now = Date.parse('2026-03-02T10:00:00Z')

const note = (id: string, attrs: object) => ({
  uid: { type: 'Note', id },
  attrs: {
    folder: { type: 'Folder', id: 'f' },
    owner: { type: 'User', id: 'ann' },
    status: 'draft',
    hold: false,
    size: 1,
    ...attrs,
  },
})
const data = {
  entities: [
    { uid: { type: 'User', id: 'ann' }, attrs: {} },
    { uid: { type: 'Group', id: 'g' }, attrs: {} },
    {
      uid: { type: 'Folder', id: 'f' },
      attrs: { organization: { type: 'Organization', id: 'o' }, keeper: { type: 'User', id: 'kim' } },
    },
    note('plan', { author: 'Bob Some', pin: 4711, place: { city: 'Oslo', street: 'Main 1' } }),
    note('kept', { hold: true }),
    note('out', { status: 'published' }),
  ],
  tuples: [
    { subject: { type: 'Group', id: 'g' }, relation: 'viewer', resource: { type: 'Folder', id: 'f' } },
    { subject: { type: 'User', id: 'bob' }, relation: 'member', resource: { type: 'Group', id: 'g' } },
    {
      subject: { type: 'User', id: 'eve' },
      relation: 'viewer',
      resource: { type: 'Folder', id: 'f' },
      expires: '2026-01-01T00:00:00Z',
    },
  ],
}
const mfa = { session: { id: 's', acr: 'mfa', amr: ['otp'], authenticatedAt: '2026-03-02T09:00:00Z' } }

function json(value: object): Json {
  const parsed = parseStrictJson(JSON.stringify(value), { depth: 100, allowNul: true })
  if (!parsed.ok) throw new Error(parsed.message)
  return parsed.value
}
function ask(
  user: string | undefined,
  action: string,
  id: string,
  context: object = mfa,
  audience: ExplainQuestion['audience'] = 'full',
) {
  const read = readData(program, json(data))
  const store = createEntityStore(program)
  for (const each of read.entities) store.putEntity(each)
  for (const each of read.tuples) store.putTuple(each)
  const subject = user === undefined ? {} : { subject: { type: 'User', id: user } }
  const request = readRequest(program, json({ ...subject, action, resource: { type: 'Note', id }, context }))
  if (!request.ok) throw new Error(request.message)
  return explain(program, { facts: store, request: request.request, options: { now }, audience })
}
const full = (...args: Parameters<typeof ask>) => {
  const found = ask(...args)
  if (found.audience !== 'full') throw new Error('not full')
  return found
}
const caller = (user: string | undefined, action: string, id: string, context: object = mfa) =>
  ask(user, action, id, context, 'caller')
const written = (found: ReturnType<typeof ask>): string => writeJson(writeExplanation(program, found))

describe('with the right to explain (SPEC 7.4)', () => {
  test('says which rules decided, and the conditions on which they rest, with values', () => {
    const { decision, rules } = full('ann', 'edit', 'kept')
    expect(decision.reasons).toEqual(['hold'])
    const hold = rules.find(({ id }) => id === 'hold')
    expect(hold).toMatchObject({ counts: true, outcome: 'true', because: 'This note is under hold.' })
    expect(hold?.conditions).toEqual([
      expect.objectContaining({
        text: 'resource.hold',
        outcome: 'true',
        isDecisive: true,
        values: [{ path: 'resource.hold', kind: 'value', value: true }],
      }),
    ])
  })

  test('the smallest set that flips a deny', () => {
    const { nearMiss } = full('ann', 'edit', 'kept', { limit: 11, ...mfa })
    expect(nearMiss).toMatchObject({
      decision: true,
      isSmallest: true,
      changes: [{ text: 'resource.hold', wanted: false, about: 'resource' }],
    })
  })

  test('the smallest set that flips an allow, context before the resource', () => {
    const { decision, nearMiss } = full('ann', 'read', 'plan', { limit: 11, ...mfa })
    expect(decision.decision).toBe(true)
    expect(nearMiss?.decision).toBe(false)
    expect(nearMiss?.changes).toHaveLength(1)
    expect(nearMiss?.changes[0]?.about).toBe('context')
  })

  test('several conditions where one is not enough', () => {
    const { nearMiss } = full('ann', 'edit', 'kept', {})
    expect(nearMiss?.isSmallest).toBe(true)
    expect(nearMiss?.changes.map(({ text, wanted }) => [text, wanted])).toEqual([
      ['"mfa" <= context.session.acr', true],
      ['has context.session', true],
      ['n <= 10', false],
      ['resource.hold', false],
    ])
  })

  test('what one path is made equal to, it is not also something else', () => {
    const { nearMiss } = full('bob', 'read', 'plan')
    expect(nearMiss?.changes.map(({ text }) => text)).toHaveLength(1)
    expect(nearMiss?.changes[0]?.text).toMatch(/resource.status == "(published|archived)"/)
  })

  test('values of @personal and @secret attributes and arguments are masked, in records too (SPEC 3.20)', () => {
    const found = full('ann', 'burn', 'plan')
    expect(written(found)).not.toMatch(/4711|Main 1/)
    const [burn] = found.rules
    expect(burn?.conditions.find(({ text }) => text === 'resource.pin == 7')?.values).toEqual([
      { path: 'resource.pin', kind: 'masked' },
    ])
    expect(written(full(undefined, 'peek', 'plan', {}))).not.toContain('Bob Some')
    expect(written(found)).toContain('•••')
  })

  test('relation paths: every edge from the resource to the subject', () => {
    const { rules } = full('bob', 'read', 'out')
    const path = rules.find(({ id }) => id === 'viewers')?.conditions.find(({ relation }) => relation)?.relation?.path
    expect(path?.map(({ resource, relation, subject, kind }) => `${kind} ${resource}.${relation} ${subject}`)).toEqual([
      'computed Folder::"f".canView User::"bob"',
      'tuple Folder::"f".viewer Group::"g"',
      'tuple Group::"g".member User::"bob"',
    ])
  })

  test('a path through a @personal attribute does not name whom it leads to', () => {
    const { rules } = full('kim', 'read', 'out')
    const path = rules.find(({ id }) => id === 'viewers')?.conditions.find(({ relation }) => relation)?.relation?.path
    expect(path?.at(-1)).toEqual({ resource: 'Folder::"f"', relation: 'keeper', subject: '•••', kind: 'attribute' })
  })

  test('a tuple of the subject that has ended is named', () => {
    const { rules } = full('eve', 'read', 'out')
    const relation = rules.find(({ id }) => id === 'viewers')?.conditions.find((each) => each.relation)?.relation
    expect(relation?.path).toEqual([])
    expect(relation?.lapsed).toEqual([
      expect.objectContaining({ subject: 'User::"eve"', until: '2026-01-01T00:00:00.000Z' }),
    ])
  })

  test('places of rules are those of the text', () => {
    const hold = full('ann', 'edit', 'kept').rules.find(({ id }) => id === 'hold')
    expect(policy.slice(hold?.span.start, hold?.span.end)).toContain('deny edit on n: Note to anyone')
  })

  test('an unknown action, and a subject that the action does not accept, are said', () => {
    expect(full('ann', 'fly', 'plan').remarks).toEqual(['unknown-action'])
    expect(full(undefined, 'read', 'plan').remarks).toContain('subject-not-accepted')
  })
})

describe('without it (SPEC 7.4)', () => {
  test('texts, advice, and what is missing of subject, context and arguments', () => {
    expect(caller('ann', 'read', 'plan', { limit: 11 })).toEqual({
      audience: 'caller',
      allowed: false,
      texts: ['A second factor is needed.'],
      advice: [{ name: 'stepUp', args: { acr: 'mfa' } }],
      nearMisses: [
        expect.objectContaining({
          changes: [
            expect.objectContaining({ text: '"mfa" <= context.session.acr', wanted: true, about: 'context' }),
            expect.objectContaining({ text: 'has context.session', wanted: true, about: 'context' }),
          ],
        }),
      ],
    })
  })

  test('the text of a deny about the resource is for those whom only a deny refuses', () => {
    expect(caller('ann', 'edit', 'kept', { limit: 11, ...mfa })).toMatchObject({ texts: ['This note is under hold.'] })
    expect(caller('eve', 'edit', 'kept')).toMatchObject({ texts: [] })
  })

  test('an unknown resource and an invisible one answer alike', () => {
    for (const action of ['read', 'edit', 'burn']) {
      for (const context of [{}, mfa, { limit: 3 }]) {
        for (const id of ['plan', 'kept', 'out']) {
          expect(written(caller('eve', action, id, context))).toBe(written(caller('eve', action, 'nowhere', context)))
        }
      }
    }
  })

  test('never names attributes of the resource or relations', () => {
    for (const user of ['ann', 'bob', 'eve']) {
      expect(written(caller(user, 'edit', 'kept', {}))).not.toMatch(/resource\.|canView|owner/)
    }
  })

  test('anonymous gets texts only', () => {
    expect(caller(undefined, 'peek', 'nowhere', {})).toEqual({
      audience: 'caller',
      allowed: false,
      texts: [],
      advice: [],
      nearMisses: [],
    })
  })
})
