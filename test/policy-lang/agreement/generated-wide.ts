import fc from 'fast-check'
import type { Expr, Value } from '../../../policy-lang/ir/nodes.ts'
import type { Type } from '../../../policy-lang/ir/types.ts'
import {
  and,
  bool,
  call,
  compare,
  context,
  entityOf,
  get,
  has,
  holds,
  int,
  isIn,
  literal,
  resource,
  setOf,
  span,
  subject,
  text,
  time,
} from '../program-kit.ts'

// What `generated.ts` has of every type and built-in beside numbers, people and relations.

/** Members of `Document`. */
export const wideAttributes = `  price: Decimal
  fee?: Decimal
  pause: Duration
  made: Time
  address: Ip
  net?: Ip
  rates: Map<Int>
  spot: { city: String, zip?: String }
  stops: Set<{ city: String, zip?: String }>
  amounts: Set<Int>
  more?: Set<String>
  kind: "a" | "b"
`

const decimal: Type = { kind: 'decimal' }
const duration: Type = { kind: 'duration' }
const ip: Type = { kind: 'ip' }
const spotType: Type = {
  kind: 'record',
  fields: { city: { type: text, optional: false }, zip: { type: text, optional: true } },
}
const kindType: Type = { kind: 'enum', values: ['a', 'b'], ordered: false }
const oneOf = <Item>(items: readonly Item[]): fc.Arbitrary<Item> => fc.constantFrom(...items)

const largest = 9_223_372_036_854_775_807n
const exact: readonly Value[] = [0, 1, -1, 105_000, 10_000, largest, -largest - 1n]
const spans: readonly Value[] = [0, 1, -1, 5_400_000, largest, -largest - 1n]
const earliest = -62_135_596_800_000
const latest = 253_402_300_799_999
const instants: readonly Value[] = [999, 1000, 1001, 0, -1, earliest, latest]
const v4 = (bits: bigint, prefix = 32): Value => ({ kind: 'ip', version: 4, bits, prefix })
const v6 = (bits: bigint, prefix = 128): Value => ({ kind: 'ip', version: 6, bits, prefix })
const addresses: readonly Value[] = [v4(0x0a010203n), v4(0x7f000001n), v4(0x08080808n), v6(1n), v6(0xffff0a010203n)]
const ranges: readonly Value[] = [v4(0x0a000000n, 8), v4(0n, 0), v6(0n, 0), v6(0xfcn << 120n, 7), v4(0x0a010203n)]
/** With each letter that LIKE, a locale or UTF-16 would treat in its own way. */
const texts = [
  '',
  'a',
  'A',
  'a%b_c\\d*e',
  'gr\u00df',
  '\u0130i\u0131',
  '\u03a3\u03c2',
  'e\u0301',
  '\u00e9',
  '\u{1f600}',
  '\uffff',
  'a\nb',
]
const patterns = ['*', '', 'a*', '*e', 'a%*', '_', '*\\**', 'A', '*\u{1f600}', 'a*b*e']

/** Values that rows hold, by attribute. */
const asSet = (items: readonly Value[]): Value => ({ kind: 'set', items })
const record = (fields: { readonly [name: string]: Value }): Value => ({
  kind: 'record',
  fields: new Map(Object.entries(fields)),
})
const spots = [record({}), record({ city: 'a' }), record({ city: 'a', zip: 'A' }), record({ zip: '' })]
export const wideValues: { readonly [name: string]: fc.Arbitrary<Value> } = {
  price: oneOf(exact),
  fee: oneOf(exact),
  pause: oneOf(spans),
  made: oneOf(instants),
  address: oneOf([...addresses, ...ranges]),
  net: oneOf(ranges),
  rates: fc
    .subarray([['a', 1] as const, ['', 0] as const, ['\u{1f600}', largest] as const])
    .map((entries): Value => ({ kind: 'map', entries: new Map<string, Value>(entries) })),
  spot: oneOf(spots),
  stops: fc.subarray(spots).map(asSet),
  amounts: fc.subarray<Value>([0, 1, 5, largest]).map(asSet),
  more: fc.subarray(texts).map(asSet),
  kind: oneOf(['a', 'b']),
}
export const wideLabels = texts

const coalesce = (left: Expr, right: Expr): Expr => ({ kind: 'coalesce', type: right.type, span, left, right })
const safe = (of: Expr, name: string, type: Type): Expr => ({
  kind: 'attribute',
  of,
  name,
  type,
  span,
  optional: true,
  safe: true,
})
const safeCall = (name: string, type: Type, ...args: Expr[]): Expr => ({
  kind: 'call',
  name,
  type,
  span,
  args,
  safe: true,
})

const label = get(resource, 'label', text)
const labels = get(resource, 'labels', setOf(text))
const more = get(resource, 'more', setOf(text), true)
const amounts = get(resource, 'amounts', setOf(int))
const fee = get(resource, 'fee', decimal, true)
const net = get(resource, 'net', ip, true)
const address = get(resource, 'address', ip)
const made = get(resource, 'made', time)
const pause = get(resource, 'pause', duration)
const spot = get(resource, 'spot', spotType)
const rates = get(resource, 'rates', { kind: 'map', of: int })
const stops = get(resource, 'stops', setOf(spotType))
const kind = get(resource, 'kind', kindType)
const door = get(context, 'door', text, true)
const folder = get(resource, 'folder', entityOf('Folder'))
const local = (type: Type): Expr => ({ kind: 'variable', name: 'w', scope: 'local', type, span })

const anyDecimal: fc.Arbitrary<Expr> = fc.oneof(
  oneOf<Expr>([get(resource, 'price', decimal), coalesce(fee, literal(1, decimal))]),
  oneOf(exact).map((value) => literal(value, decimal)),
  fc
    .tuple(oneOf(['add', 'subtract']), oneOf(exact))
    .map(([name, value]) => call(name, decimal, get(resource, 'price', decimal), literal(value, decimal))),
)
const anyDuration: fc.Arbitrary<Expr> = fc.oneof(
  oneOf<Expr>([pause, call('negate', duration, pause)]),
  oneOf(spans).map((value) => literal(value, duration)),
  oneOf(instants).map((value) => call('subtract', duration, made, literal(value, time))),
)
const anyTime: fc.Arbitrary<Expr> = fc.oneof(
  oneOf<Expr>([made, get(context, 'now', time), coalesce(get(resource, 'expires', time, true), made)]),
  oneOf(instants).map((value) => literal(value, time)),
  fc.tuple(oneOf(['add', 'subtract']), anyDuration).map(([name, by]) => call(name, time, made, by)),
)
const anyText: fc.Arbitrary<Expr> = fc.oneof(
  oneOf<Expr>([
    label,
    call('lower', text, label),
    call('upper', text, label),
    kind,
    coalesce(door, label),
    get(spot, 'city', text),
    coalesce(get(spot, 'zip', text, true), label),
  ]),
  oneOf(texts).map((value) => literal(value, text)),
)
const anySet: fc.Arbitrary<Expr> = fc.oneof(
  oneOf<Expr>([labels, coalesce(more, labels)]),
  fc.subarray(texts, { maxLength: 3 }).map((items) => literal(asSet(items), setOf(text))),
  oneOf(['union', 'intersect', 'minus']).map((name) => call(name, setOf(text), labels, coalesce(more, labels))),
)
const number = fc.oneof(
  oneOf<Expr>([
    get(resource, 'size', int),
    call('length', int, label),
    call('size', int, labels),
    coalesce(safeCall('size', int, more), literal(1, int)),
  ]),
  oneOf(['a', '', '\u{1f600}', 'zz']).map((key): Expr => {
    const entry: Expr = {
      kind: 'attribute',
      of: rates,
      name: '',
      key: literal(key, text),
      type: int,
      span,
      optional: true,
      safe: false,
    }
    return coalesce(entry, literal(0, int))
  }),
  anyTime.map((at) => call('hour', int, at, literal('UTC', text))),
  fc.constant(call('multiply', int, get(resource, 'size', int), get(resource, 'size', int))),
)
const order = oneOf(['eq', 'lt', 'le'] as const)
const pair = (of: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> =>
  fc.tuple(order, of, of).map(([op, a, b]) => compare(op, a, b))

const overStops: fc.Arbitrary<Expr> = fc
  .tuple(oneOf(['any', 'all'] as const), oneOf(['city', 'zip']), oneOf(texts))
  .map(([quantifier, name, value]): Expr => {
    const member = get(local(spotType), name, text, name === 'zip')
    return {
      kind: 'quantifier',
      type: bool,
      span,
      quantifier,
      variable: 'w',
      over: stops,
      body: compare('eq', member, literal(value, text)),
    }
  })
const overAmounts: fc.Arbitrary<Expr> = fc
  .tuple(oneOf(['any', 'all', 'count'] as const), number)
  .map(([quantifier, other]): Expr => {
    const body = compare('lt', call('add', int, local(int), literal(1, int)), other)
    const over: Expr = {
      kind: 'quantifier',
      type: quantifier === 'count' ? int : bool,
      span,
      quantifier,
      variable: 'w',
      over: amounts,
      body,
    }
    return quantifier === 'count' ? compare('eq', over, literal(1, int)) : over
  })

/** Conditions of every other type and built-in. */
export const wideCondition: fc.Arbitrary<Expr> = fc.oneof(
  pair(anyDecimal),
  pair(anyDuration),
  pair(anyTime),
  pair(anyText),
  pair(number),
  fc.tuple(anySet, anySet).map(([a, b]) => compare('eq', a, b)),
  fc
    .tuple(oneOf(['startsWith', 'endsWith', 'containsText']), anyText, anyText)
    .map(([name, a, b]) => call(name, bool, a, b)),
  fc.tuple(anyText, oneOf(patterns)).map(([a, pattern]) => call('like', bool, a, literal(pattern, text))),
  fc.tuple(anyText, anySet).map(([a, set]) => isIn('set', a, set)),
  fc.tuple(oneOf(['containsAll', 'containsAny']), anySet, anySet).map(([name, a, b]) => call(name, bool, a, b)),
  oneOf<Expr>([
    call('isEmpty', bool, labels),
    coalesce(safeCall('isEmpty', bool, more), literal(true)),
    coalesce(safeCall('isPrivate', bool, net), literal(false)),
    call('isPrivate', bool, address),
    call('isLoopback', bool, address),
    has(fee),
    has(get(spot, 'zip', text, true)),
    has(more),
    and(has(net), isIn('ip', address, get(resource, 'net', ip))),
    compare('eq', safe(get(resource, 'place', spotType, true), 'zip', text), label),
    compare('eq', spot, get(resource, 'place', spotType, true)),
    compare('eq', fee, get(resource, 'price', decimal)),
    isIn('set', get(spot, 'city', text), coalesce(more, labels)),
    { kind: 'permitted', type: bool, span, of: folder },
    {
      kind: 'permitted',
      type: bool,
      span,
      of: { kind: 'literal', type: entityOf('Folder'), span, value: { kind: 'entity', type: 'Folder', id: 'f0' } },
    },
    holds(subject, 'warden', folder),
    holds(get(resource, 'owner', entityOf('Person')), 'warden', folder),
    compare('eq', kind, label),
    isIn('set', kind, literal(asSet(['a', 'x']), setOf(text))),
  ]),
  oneOf(spots).map((value) => compare('eq', spot, literal(value, spotType))),
  oneOf(addresses).map((value) => compare('eq', address, literal(value, ip))),
  oneOf(ranges).map((value) => isIn('ip', address, literal(value, ip))),
  oneOf(ranges).map((value) => isIn('ip', literal(v4(0x0a010203n), ip), coalesce(net, literal(value, ip)))),
  overStops,
  overAmounts,
)
