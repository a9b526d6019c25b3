import { describe, expect, test } from '@jest/globals'
import {
  compileProgram,
  createEntityStore,
  findDangling,
  type Json,
  type Program,
  readData,
  readRequest,
  readValue,
  supplyProperties,
  writeValue,
} from '../../../policy-lang/index.ts'
import type { Type } from '../../../policy-lang/ir/types.ts'
import { entity, entityOf, int, row, setOf, text, time, user } from '../program-kit.ts'

const source = `module p

import User, Group from "writ:identity"

fn open(door: String): Bool = door == "open"
entity Folder {
}
entity Paper in Folder, home: Folder?, Set<Group> {
  size: Int
  @suppliable mood?: String
  secretLevel?: Int
  relation viewer: User | User if open | any User | anyone
  relation guest: User if open
  relation everyone = viewer
}
entity Sheet in Folder {
}
action read on Paper by anyone with { count?: Int, to?: User }
`
function compiled(): Program {
  const { program, diagnostics } = compileProgram([{ path: 'p.fbac', text: source }])
  if (!program) throw new Error(JSON.stringify(diagnostics))
  return program
}
const program = compiled()
const problems = (json: Json) =>
  readData(program, json).problems.map(({ severity, code, path }) => `${severity} ${code} ${path}`)
const uid = (type: string, id: string) => ({ uid: { type, id } })

describe('data (import-cli)', () => {
  test('a bare array is entities; parents go to the link of their type', () => {
    const { entities } = readData(program, [{ ...uid('Sheet', 's'), parents: [{ type: 'Folder', id: 'f' }] }])
    expect(entities[0]?.attributes).toEqual(new Map([['folder', entity('Folder', 'f')]]))
    expect(
      readData(program, [
        {
          ...uid('Paper', 'p'),
          parents: [
            { type: 'Group', id: 'a' },
            { type: 'Group', id: 'b' },
          ],
        },
      ]).entities[0]?.attributes.get('group'),
    ).toEqual({ kind: 'set', items: [entity('Group', 'a'), entity('Group', 'b')] })
  })

  test('a link or attribute that leads to no row is told, and harmless', () => {
    const sheet = { ...uid('Sheet', 's'), parents: [{ type: 'Folder', id: 'f' }] }
    expect(findDangling(readData(program, [sheet]).entities)).toEqual([
      {
        severity: 'warning',
        code: 'dangling',
        message: 'Sheet::"s" names Folder::"f", which has no row',
        path: 'entities[0].attrs.folder',
      },
    ])
    expect(findDangling(readData(program, [sheet, uid('Folder', 'f')]).entities)).toEqual([])
  })

  test('where two links share a type, the attribute says which', () => {
    expect(problems([{ ...uid('Paper', 'p'), parents: [{ type: 'Folder', id: 'f' }] }])).toEqual([
      'error ambiguous-parent entities[0].parents[0]',
    ])
    expect(
      problems([
        { ...uid('Paper', 'p'), attrs: { home: { type: 'Folder', id: 'f' } }, parents: [{ type: 'Folder', id: 'f' }] },
      ]),
    ).toEqual([])
  })

  test.each<[Json, string]>([
    [{ entities: 1 }, 'error malformed entities'],
    [[{ attrs: {} }], 'error malformed entities[0]'],
    [[uid('Nope', 'x')], 'error unknown-type entities[0]'],
    [[uid('Folder', 'x'), uid('Folder', 'x')], 'error duplicate-entity entities[1]'],
    [[{ ...uid('Folder', 'x'), parents: [{ type: 'User', id: 'u' }] }], 'error unknown-parent entities[0].parents[0]'],
    [[{ ...uid('Paper', 'x'), attrs: { size: '1' } }], 'warning wrong-type entities[0].attrs.size'],
    [
      { tuples: [{ subject: { type: 'User', id: 'u' }, relation: 'everyone', resource: { type: 'Paper', id: 'p' } }] },
      'error unknown-relation tuples[0]',
    ],
    [
      {
        tuples: [
          {
            subject: { type: 'User', id: 'u' },
            relation: 'guest',
            resource: { type: 'Paper', id: 'p' },
            condition: { name: 'open', context: { door: 1 } },
          },
        ],
      },
      'warning wrong-type tuples[0].condition.context.door',
    ],
    [
      { tuples: [{ subject: { type: 'User', id: 'u' }, relation: 'guest', resource: { type: 'Paper', id: 'p' } }] },
      'warning holder-not-allowed tuples[0]',
    ],
    [
      {
        tuples: [
          {
            subject: { type: 'User', id: 'u', relation: 'member' },
            relation: 'viewer',
            resource: { type: 'Paper', id: 'p' },
          },
        ],
      },
      'warning holder-not-allowed tuples[0]',
    ],
    [
      { tuples: [{ subject: { type: 'Group', id: 'g' }, relation: 'viewer', resource: { type: 'Paper', id: 'p' } }] },
      'warning holder-not-allowed tuples[0]',
    ],
    [
      {
        tuples: [
          {
            subject: { type: 'User', id: 'u' },
            relation: 'viewer',
            resource: { type: 'Paper', id: 'p' },
            expires: 'soon',
          },
        ],
      },
      'error malformed tuples[0]',
    ],
  ])('says what is wrong with %j', (json, problem) => expect(problems(json)).toEqual([problem]))

  test('tuples: everyone of a type, anyone, an end, a condition with its context', () => {
    const on = { relation: 'viewer', resource: { type: 'Paper', id: 'p' } }
    const { tuples, problems: none } = readData(program, {
      tuples: [
        { ...on, subject: { type: 'User', id: '*' } },
        { ...on, subject: 'anyone', expires: '2026-03-02T10:00:00+01:00' },
        { ...on, subject: { type: 'User', id: 'u' }, condition: { name: 'open', context: { door: 'open', other: 1 } } },
      ],
    })
    expect(none).toEqual([])
    expect(tuples).toMatchObject([
      { subject: { kind: 'anyOf', type: 'User' } },
      { subject: { kind: 'anyone' }, until: Date.UTC(2026, 2, 2, 9) },
      { condition: { name: 'open', context: new Map([['door', 'open']]) } },
    ])
  })
})

describe('values', () => {
  const ip: Type = { kind: 'ip' }
  const decimal: Type = { kind: 'decimal' }
  const duration: Type = { kind: 'duration' }
  test.each<[Json, Type, unknown]>([
    [9223372036854775807n, int, 9223372036854775807n],
    [9223372036854775808n, int, undefined],
    [1.5, int, undefined],
    [0.1, decimal, 1000],
    ['12.34567', decimal, undefined],
    [{ __extn: { fn: 'decimal', arg: '1.5' } }, decimal, 15000],
    [{ __extn: { fn: 'ip', arg: '1.5' } }, decimal, undefined],
    ['2026-02-30T00:00:00Z', time, undefined],
    ['2026-03-02T10:00:00.1239Z', time, Date.UTC(2026, 2, 2, 10, 0, 0, 123)],
    ['1h30m', duration, 5_400_000],
    [90, duration, 90],
    [{ __entity: { type: 'User', id: 'u' } }, entityOf('User'), user('u')],
    [{ type: 'Paper', id: 'u' }, entityOf('User'), undefined],
    [['a', 'b', 'a'], setOf(text), { kind: 'set', items: ['a', 'b'] }],
    [['a', 1], setOf(text), undefined],
    ['10.0.0.0/8', ip, { kind: 'ip', version: 4, bits: 167772160n, prefix: 8 }],
    [null, int, undefined],
  ])('%j', (json, type, value) => expect(readValue(json, type)).toEqual(value))

  test('what is written is read back', () => {
    const record: Type = {
      kind: 'record',
      fields: { at: { type: time, optional: false }, fee: { type: decimal, optional: true } },
    }
    const json: Json = { at: '2026-03-02T10:00:00.000Z', fee: '1.5' }
    const value = readValue(json, record)
    expect(value && writeValue(value, record)).toEqual(json)
  })
})

describe('requests', () => {
  const ask = { subject: { type: 'User', id: 'u' }, action: { name: 'read' }, resource: { type: 'Paper', id: 'p' } }
  test('AuthZEN in, typed out; no subject is anonymous; unknown members are ignored', () => {
    expect(readRequest(program, { ...ask, context: { count: 3, nope: 1, now: 5 }, more: [] })).toMatchObject({
      ok: true,
      request: { subject: user('u'), action: 'read', resource: entity('Paper', 'p'), context: new Map([['count', 3]]) },
      mistyped: [],
    })
    expect(readRequest(program, { action: 'read', resource: ask.resource })).toMatchObject({
      request: { subject: entity('Anonymous', '') },
    })
  })

  test('an argument of another type counts as missing and is named', () => {
    expect(readRequest(program, { ...ask, context: { count: '3' } })).toMatchObject({
      request: { context: new Map() },
      mistyped: ['context.count'],
    })
  })

  test.each<Json>([
    1,
    {},
    { ...ask, subject: 'u' },
    { ...ask, resource: { type: 'Paper' } },
    { ...ask, action: 1 },
    { ...ask, context: [] },
  ])('refuses %j', (json) => expect(readRequest(program, json)).toMatchObject({ ok: false }))

  test('only suppliable properties overlay what is stored; a mistyped one takes the stored one away', () => {
    const store = createEntityStore(program)
    store.putEntity(row(entity('Paper', 'p'), { size: 7, mood: 'calm' }))
    const overlaid = (properties: Json) => {
      const read = readRequest(program, { ...ask, resource: { ...ask.resource, properties } })
      return read.ok ? supplyProperties(program, store, read.supplied)[0]?.attributes : undefined
    }
    expect(overlaid({ mood: 'angry', size: 9, secretLevel: 1 })).toEqual(
      new Map<string, unknown>([
        ['size', 7],
        ['mood', 'angry'],
      ]),
    )
    expect(overlaid({ mood: 4 })).toEqual(new Map([['size', 7]]))
    expect(overlaid({ size: 9 })).toBeUndefined()
  })
})
