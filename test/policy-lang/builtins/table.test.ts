import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { isFailure } from '../../../policy-lang/builtins/builtin.ts'
import { compareCodePoints } from '../../../policy-lang/builtins/code-points.ts'
import { formatDecimal, parseDecimal } from '../../../policy-lang/builtins/decimal-text.ts'
import { equalValues } from '../../../policy-lang/builtins/equal-values.ts'
import { formatIp, ipWithin, parseIp } from '../../../policy-lang/builtins/ip-range.ts'
import { builtinByName, builtins } from '../../../policy-lang/builtins/table.ts'
import type { Value } from '../../../policy-lang/ir/nodes.ts'
import type { Type } from '../../../policy-lang/ir/types.ts'

const set = (...items: Value[]): Value => ({ kind: 'set', items })
const ip = (text: string): Value => parseIp(text) ?? 'no address'
const instant = (text: string) => Date.parse(text)

function call(name: string, args: readonly Value[], result: Type['kind'] = 'int'): Value | string {
  const builtin = builtinByName.get(name)
  if (!builtin) throw new Error(`no built-in ${name}`)
  const value = builtin.evaluate(args, { kind: result } as Type)
  return isFailure(value) ? `E ${value.cause.code}` : value
}

describe('the table of built-ins (SPEC 4)', () => {
  test('has one row for each file that declares a built-in', () => {
    const folder = new URL('../../../policy-lang/builtins/', import.meta.url)
    const declared = readdirSync(folder).flatMap((name) =>
      [...readFileSync(new URL(name, folder), 'utf8').matchAll(/^export const (\w+): Builtin = /gm)].map(
        (match) => match[1] ?? '',
      ),
    )
    expect(builtins.map((row) => row.name).sort()).toEqual(declared.sort())
    expect(builtins.length).toBe(28)
  })

  test('names in IR are unique, and so are methods of a receiver', () => {
    expect(new Set(builtins.map((row) => row.name)).size).toBe(builtins.length)
    expect(new Set(builtins.map((row) => `${row.receiver}.${row.method}`)).size).toBe(builtins.length)
    for (const row of builtins) expect(row.docs).not.toBe('')
  })

  test('every built-in answers E for values that are not of its types', () => {
    for (const row of builtins) {
      const wrong = Array.from({ length: row.parameters + 1 }, () => true)
      expect([row.name, row.evaluate(wrong, { kind: 'int' })]).toEqual([
        row.name,
        { kind: 'failure', cause: { code: 'wrong-type' } },
      ])
    }
  })
})

describe('values of built-ins (SPEC 4)', () => {
  test.each<[string, Value[], Value | string]>([
    ['startsWith', ['writ', 'wr'], true],
    ['startsWith', ['writ', 'it'], false],
    ['endsWith', ['writ', 'it'], true],
    ['endsWith', ['writ', 'wr'], false],
    ['containsText', ['writ', 'ri'], true],
    ['containsText', ['writ', 'x'], false],
    ['like', ['report-2026.pdf', 'report-*.pdf'], true],
    ['like', ['report-2026.pdf', 'report-*.txt'], false],
    ['like', ['aXbXc', 'a*b*c'], true],
    ['like', ['ab', 'a*ab'], false],
    ['like', ['a*b', 'a\\*b'], true],
    ['like', ['axb', 'a\\*b'], false],
    ['like', ['', '*'], true],
    ['lower', ['ÄbC'], 'Äbc'],
    ['upper', ['äbC'], 'äBC'],
    ['length', ['a😀b'], 3],
    ['containsElement', [set(1, 2), 2], true],
    ['containsElement', [set(1, 2), 3], false],
    ['containsAll', [set(), set()], true],
    ['containsAll', [set('a', 'b'), set('b', 'a')], true],
    ['containsAll', [set('a'), set('a', 'b')], false],
    ['containsAny', [set('a'), set('a', 'b')], true],
    ['containsAny', [set('a'), set()], false],
    ['isEmpty', [set()], true],
    ['isEmpty', [set(1)], false],
    ['size', [set(1, 1, 2)], 2],
    ['union', [set(1), set(1, 2)], set(1, 2)],
    ['intersect', [set(1, 2), set(2, 3)], set(2)],
    ['minus', [set(1, 2), set(2, 3)], set(1)],
    ['isLoopback', [ip('127.1.2.3')], true],
    ['isLoopback', [ip('::1')], true],
    ['isLoopback', [ip('::ffff:127.0.0.1')], false],
    ['isPrivate', [ip('10.9.8.7')], true],
    ['isPrivate', [ip('fd00::1')], true],
    ['isPrivate', [ip('8.8.8.8')], false],
    ['ip', ['10.0.0.1/8'], 'E wrong-type'],
    ['decimal', ['12.5'], 125_000],
    ['decimal', ['12.50001'], 'E wrong-type'],
  ])('%s %j', (name, args, expected) => {
    expect(call(name, args)).toEqual(expected)
  })

  test.each<[string, Value[], Value | string]>([
    ['add', [9_007_199_254_740_991, 1], 9_007_199_254_740_992n],
    ['add', [9_223_372_036_854_775_807n, 1], 'E overflow'],
    ['add', [9_223_372_036_854_775_806n, 1], 9_223_372_036_854_775_807n],
    ['subtract', [-9_223_372_036_854_775_808n, 1], 'E overflow'],
    ['subtract', [9_007_199_254_740_993n, 2], 9_007_199_254_740_991],
    ['multiply', [3_037_000_500, 3_037_000_500], 'E overflow'],
    ['multiply', [-4_294_967_296, 2_147_483_648], -9_223_372_036_854_775_808n],
    ['negate', [-9_223_372_036_854_775_808n], 'E overflow'],
    ['negate', [5], -5],
  ])('%s %p is exact in signed 64 bits', (name, args, expected) => {
    expect(call(name, args)).toEqual(expected)
  })

  test('a time outside the years 0001 to 9999 is an overflow', () => {
    const last = instant('9999-12-31T23:59:59.999Z')
    expect(call('add', [last - 1, 1], 'time')).toBe(last)
    expect(call('add', [last, 1], 'time')).toBe('E overflow')
    expect(call('add', [last, 1], 'int')).toBe(last + 1)
  })

  test.each<[string, string, string, Value | string]>([
    ['hour', '2026-03-02T23:30:00Z', 'Asia/Seoul', 8],
    ['minute', '2026-03-02T23:30:00Z', 'Asia/Kolkata', 0],
    ['weekday', '2026-03-02T00:00:00Z', 'UTC', 1],
    ['weekday', '2026-03-01T23:00:00Z', 'Asia/Seoul', 1],
    ['timeOfDay', '2026-03-02T00:00:01.005Z', 'UTC', 1_005],
    ['date', '2026-03-02T23:30:00Z', 'Asia/Seoul', '2026-03-03'],
    ['date', '0001-01-01T00:00:00Z', 'UTC', '0001-01-01'],
    ['hour', '2026-03-29T00:59:59Z', 'Europe/Berlin', 1],
    ['hour', '2026-03-29T01:00:00Z', 'Europe/Berlin', 3],
    ['hour', '2026-03-02T00:00:00Z', 'Mars/Olympus', 'E bad-zone'],
    ['hour', '2026-03-02T00:00:00Z', '+09:00', 'E bad-zone'],
    ['hour', '2026-03-02T00:00:00Z', '', 'E bad-zone'],
  ])('%s of %s in %s', (name, at, zone, expected) => {
    expect(call(name, [instant(at), zone])).toBe(expected)
  })
})

describe('forms of values (SPEC 4)', () => {
  test('decimals keep four fraction digits and read back', () => {
    expect(
      ['0', '-0.0001', '922337203685477.5807', '12.5'].map((text) => formatDecimal(parseDecimal(text) ?? 1)),
    ).toEqual(['0', '-0.0001', '922337203685477.5807', '12.5'])
    expect(['922337203685477.5808', '1.', '.5', '1e3', ' 1'].map(parseDecimal)).toEqual(Array(5).fill(undefined))
  })

  test('addresses and ranges read back; what is neither is refused', () => {
    for (const text of ['10.0.0.0/8', '1.2.3.4', '2001:db8:0:0:0:0:0:0/32', '0:0:0:0:0:0:0:1'])
      expect(formatIp(ip(text) as never)).toBe(text)
    const wrong = [
      '256.1.1.1',
      '1.2.3',
      '01.2.3.4',
      '10.0.0.1/8',
      '1.2.3.4/33',
      ':::',
      '1::2::3',
      '12345::',
      '1.2.3.4/08',
      '',
    ]
    expect(wrong.map(parseIp)).toEqual(wrong.map(() => undefined))
  })

  test('a range holds its addresses and narrower ranges; v4-mapped v6 is not v4', () => {
    const within = (inner: string, outer: string) => ipWithin(ip(inner) as never, ip(outer) as never)
    expect(within('10.1.2.3', '10.0.0.0/8')).toBe(true)
    expect(within('10.0.0.0/16', '10.0.0.0/8')).toBe(true)
    expect(within('10.0.0.0/8', '10.0.0.0/16')).toBe(false)
    expect(within('::ffff:10.1.2.3', '10.0.0.0/8')).toBe(false)
    expect(within('1.2.3.4', '0.0.0.0/0')).toBe(true)
  })

  test('text is ordered by code point, not by UTF-16 unit', () => {
    expect(compareCodePoints('\u{ff5e}', '\u{1f600}')).toBeLessThan(0)
    expect('\u{ff5e}' < '\u{1f600}').toBe(false)
    expect(['b', 'ab', 'a'].sort(compareCodePoints)).toEqual(['a', 'ab', 'b'])
  })

  test('equality ignores the order of sets and tells types of entities apart', () => {
    expect(equalValues(set(1, 2), set(2, 1, 1))).toBe(true)
    expect(equalValues(set(1), set('1'))).toBe(false)
    expect(equalValues({ kind: 'entity', type: 'User', id: 'a' }, { kind: 'entity', type: 'Client', id: 'a' })).toBe(
      false,
    )
  })
})
