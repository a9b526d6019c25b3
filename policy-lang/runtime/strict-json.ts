/** JSON as it arrives: integers beyond 2^53 as bigint, objects without a prototype. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [name: string]: Json }

export type JsonLimits = {
  /** Arrays and objects inside each other. Default 64. */
  readonly depth?: number
  /** Ids of imported data are any Unicode; a request body may not carry NUL. Default false. */
  readonly allowNul?: boolean
}
export type JsonResult =
  | { readonly ok: true; readonly value: Json }
  /** `offset` in UTF-16 units. */
  | { readonly ok: false; readonly message: string; readonly offset: number }

/**
 * RFC 8259 without its freedoms: duplicate members are refused (two readers must not see two requests), depth is bounded,
 * integers are exact, numbers beyond a double's range are refused. Lone surrogates from escapes stay as they are.
 */
export function parseStrictJson(text: string, { depth = 64, allowNul = false }: JsonLimits = {}): JsonResult {
  const reader: Reader = { text, at: 0, depth, allowNul }
  try {
    const value = readValue(reader)
    skipSpace(reader)
    if (reader.at < text.length) fail(reader, 'text after the value')
    return { ok: true, value }
  } catch (error) {
    if (error instanceof JsonMistake) return { ok: false, message: error.message, offset: reader.at }
    throw error
  }
}

type Reader = { readonly text: string; at: number; depth: number; readonly allowNul: boolean }
class JsonMistake extends Error {}

function fail(reader: Reader, message: string): never {
  throw new JsonMistake(`${message} at offset ${reader.at}`)
}

function readValue(reader: Reader): Json {
  skipSpace(reader)
  switch (reader.text.charCodeAt(reader.at)) {
    case 0x7b:
      return nested(reader, readObject)
    case 0x5b:
      return nested(reader, readArray)
    case 0x22:
      return readString(reader)
    case 0x74:
      return readWord(reader, 'true', true)
    case 0x66:
      return readWord(reader, 'false', false)
    case 0x6e:
      return readWord(reader, 'null', null)
    default:
      return readNumber(reader)
  }
}

function nested(reader: Reader, read: (reader: Reader) => Json): Json {
  if (reader.depth === 0) fail(reader, 'nested too deep')
  reader.depth -= 1
  reader.at += 1
  const value = read(reader)
  reader.depth += 1
  return value
}

function readObject(reader: Reader): Json {
  // Without a prototype, `__proto__` and `constructor` are members like any other.
  const members: { [name: string]: Json } = Object.create(null)
  if (tryEat(reader, 0x7d)) return members
  for (;;) {
    skipSpace(reader)
    if (reader.text.charCodeAt(reader.at) !== 0x22) fail(reader, 'a member name was expected')
    const name = readString(reader)
    if (name in members) fail(reader, `duplicate member ${JSON.stringify(name)}`)
    if (!tryEat(reader, 0x3a)) fail(reader, '":" was expected')
    members[name] = readValue(reader)
    if (tryEat(reader, 0x7d)) return members
    if (!tryEat(reader, 0x2c)) fail(reader, '"," or "}" was expected')
  }
}

function readArray(reader: Reader): Json {
  const items: Json[] = []
  if (tryEat(reader, 0x5d)) return items
  for (;;) {
    items.push(readValue(reader))
    if (tryEat(reader, 0x5d)) return items
    if (!tryEat(reader, 0x2c)) fail(reader, '"," or "]" was expected')
  }
}

const escapes: { readonly [letter: string]: string } = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

function readString(reader: Reader): string {
  const { text } = reader
  reader.at += 1
  let start = reader.at
  let result = ''
  for (;;) {
    const unit = text.charCodeAt(reader.at)
    if (unit === 0x22) break
    // NaN at the end of the text fails here too.
    if (!(unit >= 0x20)) fail(reader, 'an unfinished string')
    if (unit !== 0x5c) {
      reader.at += 1
      continue
    }
    result += text.slice(start, reader.at) + readEscape(reader)
    start = reader.at
  }
  result += text.slice(start, reader.at)
  reader.at += 1
  if (!reader.allowNul && result.includes('\0')) fail(reader, 'a NUL character')
  return result
}

function readEscape(reader: Reader): string {
  const letter = reader.text.charAt(reader.at + 1)
  if (letter === 'u') {
    const digits = reader.text.slice(reader.at + 2, reader.at + 6)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) fail(reader, 'a broken escape')
    reader.at += 6
    return String.fromCharCode(Number.parseInt(digits, 16))
  }
  const meant = escapes[letter]
  if (meant === undefined) fail(reader, 'an unknown escape')
  reader.at += 2
  return meant
}

function readNumber(reader: Reader): number | bigint {
  const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
  number.lastIndex = reader.at
  const match = number.exec(reader.text)
  if (!match) return fail(reader, 'a value was expected')
  reader.at = number.lastIndex
  const near = Number(match[0])
  if (!Number.isFinite(near)) fail(reader, 'a number out of range')
  if (match[1] !== undefined || match[2] !== undefined || Number.isSafeInteger(near)) return near + 0
  return BigInt(match[0])
}

function readWord<Value extends Json>(reader: Reader, word: string, value: Value): Value {
  if (!reader.text.startsWith(word, reader.at)) fail(reader, 'a value was expected')
  reader.at += word.length
  return value
}

function tryEat(reader: Reader, unit: number): boolean {
  skipSpace(reader)
  if (reader.text.charCodeAt(reader.at) !== unit) return false
  reader.at += 1
  return true
}

function skipSpace(reader: Reader): void {
  for (;;) {
    const unit = reader.text.charCodeAt(reader.at)
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return
    reader.at += 1
  }
}
