import type { RawAnswer } from './stand.ts'

// What attackers send, and what no answer may be.

/** What makes an answer wrong, whatever was asked; undefined if it is right. */
export function fault({ status, headers, text, code }: RawAnswer): string | undefined {
  if (status < 200 || status >= 500) return `status ${status}: ${text.slice(0, 200)}`
  if (/\n\s+at |node_modules|\bselect .* from\b|Error:|syntax error/i.test(text))
    return `insides: ${text.slice(0, 200)}`
  if (status >= 400 && !/^[a-z][a-z0-9_]*$/.test(code ?? '')) return `no stable code: ${status} ${text.slice(0, 200)}`
  const type = headers['content-type'] ?? ''
  if (status >= 400 && !/problem\+json|application\/json|text\/html|text\/plain/.test(type)) return `form ${type}`
  if (Object.keys(headers).some((name) => name.startsWith('access-control-allow-credentials')))
    return 'CORS credentials'
  return undefined
}

export const long = 'x'.repeat(7_000)
export const hostileSegments = [
  ...['%00', '%ff', '%C0%80', '%ED%A0%80', '..', '%2e%2e', '%2F', '%5C', '%25', "a'b", 'a%22b', '%F0%9F%98%80'],
  ...['__proto__', 'constructor', '-1', '9'.repeat(40), '$%7B7*7%7D', 'a%3Bb', 'a:b', '%0d%0aset-cookie:a=b', long],
]
export const hostileQueries = [
  ...['limit=-1', 'limit=1e9', 'limit=0', 'limit=1&limit=2', 'limit[]=1', 'limit=%00', 'cursor=%ff', 'cursor=AAAA'],
  ...['cursor=eyJhIjoxfQ', `cursor=${long}`, 'unknown=1', '__proto__=1', '%00=1', '%', '&&&', '=', 'a=b=c', '%F0=1'],
]
export const hostileValues: readonly unknown[] = [
  ...[null, true, 0, -1, 1e308, 2 ** 53, '', ' ', '\u0000', '\ud800', '\u202e', '{{7*7}}', '../../etc/passwd'],
  ...[
    'a\r\nb: c',
    "'; drop table account --",
    'x'.repeat(100_000),
    { $like: '%' },
    { $ne: null },
    [],
    [[]],
    [null],
    {},
  ],
  ...[{ __proto__: { a: 1 } }, JSON.parse('{"__proto__":{"a":1}}'), ['x'.repeat(5_000)], [{}]],
]
export const hostileBodies: readonly (string | Buffer)[] = [
  ...['', ' ', 'null', '1', '"x"', '[]', '{}', '{', '{"a":1}}', '{"a":1,"a":2}', '{"a":01}', '{"a":1e999}', '{a:1}'],
  ...['\ufeff{}', '{"\\u0000":1}', '{"a":"\\ud800"}', '{"__proto__":{}}', '['.repeat(100_000), '{"a":'.repeat(50_000)],
  Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
  Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]),
  Buffer.alloc(10 * 1024 * 1024, 0x20),
]
