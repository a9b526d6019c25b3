import { isKnownEdition } from '../editions.ts'
import type { Program } from './program.ts'
import { verifyProgram } from './verify.ts'

/** Raised when the IR changes; a node refuses a form that it does not know (SPEC 6, edition). */
const format = 1

/** A program as JSON text. Parts that stand in several places, such as types, are written once. */
export function serialiseProgram(program: Program): string {
  const writing = serialiseInSteps(program)
  for (;;) {
    const { done, value } = writing.next()
    if (done) return value
  }
}

/** The same a little at a time: a program of ten thousand rules takes half a second, and whoever drives this may rest in between. */
export function* serialiseInSteps(program: Program): Generator<undefined, string> {
  const seen = new Map<object, number>()
  for (const part of partsOf(program)) {
    countUses(part, seen)
    yield
  }
  const shared: Shared = { places: new Map(), table: [] }
  for (const [part, uses] of seen) if (uses > 1 && worthSharing(part)) shared.places.set(part, -1)
  const members: string[] = []
  for (const [name, member] of Object.entries(program)) {
    if (member === undefined) continue
    const texts: string[] = []
    for (const part of itemsOf(member)) {
      texts.push(JSON.stringify(encode(part, shared)))
      yield
    }
    members.push(`${JSON.stringify(name)}:${wrap(member, texts)}`)
  }
  const table: string[] = []
  for (const part of shared.table) {
    table.push(JSON.stringify(part))
    if (table.length % 100 === 0) yield
  }
  return `{"format":${format},"shared":[${table.join(',')}],"program":{${members.join(',')}}}`
}

/** The items of lists and maps at the top: what is large is many, not deep. */
function itemsOf(member: unknown): readonly unknown[] {
  if (Array.isArray(member)) return member
  return member instanceof Map ? [...member] : [member]
}

const wrap = (member: unknown, texts: readonly string[]): string =>
  Array.isArray(member)
    ? `[${texts.join(',')}]`
    : member instanceof Map
      ? `{"$map":[${texts.join(',')}]}`
      : texts.join('')

const partsOf = (program: Program): readonly unknown[] =>
  Object.values(program).flatMap((member) => (member instanceof Map ? [...member.values()] : itemsOf(member)))

/** The program that `serialiseProgram` wrote; undefined if the text is of another format or no program at all. */
export function parseProgram(text: string): Program | undefined {
  const read: unknown = JSON.parse(text)
  if (!isObject(read) || read.format !== format || !Array.isArray(read.shared)) return undefined
  const table: unknown[] = []
  for (const part of read.shared) table.push(decode(part, table))
  const program = decode(read.program, table)
  // A node refuses an edition that it does not know (SPEC 6.12).
  if (!isProgram(program) || !isKnownEdition(program.edition)) return undefined
  verifyProgram(program)
  return program
}

type Shared = { readonly places: Map<object, number>; readonly table: unknown[] }

function countUses(value: unknown, seen: Map<object, number>): void {
  if (typeof value !== 'object' || value === null) return
  const uses = seen.get(value) ?? 0
  seen.set(value, uses + 1)
  if (uses > 0) return
  for (const child of value instanceof Map ? value.values() : Object.values(value)) countUses(child, seen)
}

const worthSharing = (part: object): boolean => (part instanceof Map ? part.size : Object.keys(part).length) > 1

function encode(value: unknown, shared: Shared): unknown {
  if (typeof value === 'bigint') return { $int: value.toString() }
  if (typeof value !== 'object' || value === null) return value
  const place = shared.places.get(value)
  if (place === undefined) return encodeWhole(value, shared)
  if (place >= 0) return { $ref: place }
  // Parts of a part come before it in the table, so that reading needs one pass.
  const whole = encodeWhole(value, shared)
  shared.table.push(whole)
  shared.places.set(value, shared.table.length - 1)
  return { $ref: shared.table.length - 1 }
}

function encodeWhole(value: object, shared: Shared): unknown {
  if (Array.isArray(value)) return value.map((item) => encode(item, shared))
  if (value instanceof Map) return { $map: [...value].map(([key, item]) => [key, encode(item, shared)]) }
  const entries = Object.entries(value).flatMap(([key, item]) =>
    item === undefined ? [] : [[key, encode(item, shared)] as const],
  )
  // A wire name may begin with `$` as our own words do.
  return entries.some(([key]) => key.startsWith('$')) ? { $object: entries } : Object.fromEntries(entries)
}

function decode(value: unknown, table: readonly unknown[]): unknown {
  if (Array.isArray(value)) return value.map((item) => decode(item, table))
  if (!isObject(value)) return value
  if (typeof value.$int === 'string') return BigInt(value.$int)
  if (typeof value.$ref === 'number') return table[value.$ref]
  if (Array.isArray(value.$map)) return new Map(entriesOf(value.$map, table))
  if (Array.isArray(value.$object)) return Object.fromEntries(entriesOf(value.$object, table))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item, table)]))
}

function entriesOf(rows: readonly unknown[], table: readonly unknown[]): [string, unknown][] {
  return rows.flatMap((row): [string, unknown][] =>
    Array.isArray(row) ? [[String(row[0]), decode(row[1], table)]] : [],
  )
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null

/** Written by ourselves and verified node by node after this. */
const isProgram = (value: unknown): value is Program =>
  isObject(value) && typeof value.hash === 'string' && Array.isArray(value.rules) && value.partitions instanceof Map
