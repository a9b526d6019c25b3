import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Json, parseStrictJson } from '../../../policy-lang/index.ts'

/** One policy set that was written from the language's page alone, with questions that were answered by hand. */
export type UnseenSet = {
  readonly name: string
  readonly folder: string
  readonly files: { readonly [path: string]: string }
  readonly cases: readonly UnseenCase[]
}
export type UnseenCase = {
  readonly now: string
  readonly data: Json
  readonly questions: readonly { readonly title: string; readonly request: Json; readonly expected: object }[]
}

type Reference = string
type Tuple = readonly [Reference, string, Reference, { of?: string; expires?: string; condition?: Json }?]
type Asked = readonly [
  Reference | { subject: Reference } | null,
  string,
  Reference | { resource: Reference; properties: Json },
  { readonly _now?: string; readonly [name: string]: Json | undefined },
  object,
]
type Listed = readonly [Reference, string, string, Json, readonly string[]]
type Questions = {
  readonly now: string
  readonly data: {
    readonly entities: { readonly [uid: Reference]: Json }
    readonly tuples: readonly Tuple[]
    readonly externs?: Json
  }
  readonly ask: readonly Asked[]
  readonly list?: readonly Listed[]
  readonly who?: readonly Listed[]
  /** The same data with other values of externs. */
  readonly also?: { readonly externs: Json; readonly ask: readonly Asked[] }
}

type Fields = { readonly [name: string]: Json }

const root = new URL('./', import.meta.url)

export function readSets(): readonly UnseenSet[] {
  const names = readdirSync(root, { withFileTypes: true })
  return names.filter((entry) => entry.isDirectory()).map(({ name }) => readSet(name))
}

function readSet(name: string): UnseenSet {
  const folder = new URL(`${name}/`, root)
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.fbac'))
  // Integers are exact to 64 bits, so not by JSON.parse. The file is ours, of the shape above.
  const read = parseStrictJson(readFileSync(new URL('questions.json', folder), 'utf8'), { depth: 100, allowNul: true })
  if (!read.ok) throw new Error(`${name}/questions.json: ${read.message}`)
  const questions = read.value as unknown as Questions
  const files = Object.fromEntries(paths.sort().map((path) => [path, readFileSync(new URL(path, folder), 'utf8')]))
  const { now, data, ask, list = [], who = [], also } = questions
  const first = [
    ...ask.map(asCheck),
    ...list.map((each) => asList(each, 'listResources')),
    ...who.map((each) => asList(each, 'listSubjects')),
  ]
  return {
    name,
    folder: fileURLToPath(folder),
    files,
    cases: [
      { now, data: dataOf(data), questions: first },
      ...(also ? [{ now, data: dataOf({ ...data, externs: also.externs }), questions: also.ask.map(asCheck) }] : []),
    ],
  }
}

/** `"@User::ann"` is a reference wherever it stands: the type is everything before the last `::`. */
function expand(value: Json): Json {
  if (typeof value === 'string') return value.startsWith('@') ? reference(value) : value
  if (Array.isArray(value)) return value.map(expand)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, expand(member)]))
}

function reference(text: Reference): { readonly type: string; readonly id: string } {
  const at = text.lastIndexOf('::')
  return { type: text.slice(1, at), id: text.slice(at + 2) }
}

function dataOf({ entities, tuples, externs }: Questions['data']): Fields {
  return {
    entities: Object.entries(entities).map(([uid, attrs]) => ({ uid: reference(uid), attrs: expand(attrs) })),
    tuples: tuples.map(([subject, relation, resource, { of, condition, ...more } = {}]) => ({
      subject: { ...reference(subject), ...(of === undefined ? {} : { relation: of }) },
      relation,
      resource: reference(resource),
      ...(condition === undefined ? {} : { condition: expand(condition) }),
      ...more,
    })),
    ...(externs === undefined ? {} : { externs }),
  }
}

function asCheck([subject, action, resource, { _now, ...context }, expected]: Asked) {
  const who = typeof subject === 'object' ? subject?.subject : subject
  const what =
    typeof resource === 'string'
      ? { ...reference(resource) }
      : { ...reference(resource.resource), properties: expand(resource.properties) }
  const request = {
    op: 'check',
    ...(who === undefined ? {} : { subject: reference(who) }),
    action,
    resource: what,
    context: expand(context as Fields),
    ...(_now === undefined ? {} : { now: _now }),
  }
  return {
    title: `${who ?? 'anonymous'} ${action} ${what.type}::${what.id} ${JSON.stringify(context)}`,
    request,
    expected,
  }
}

function asList([of, action, type, context, ids]: Listed, op: 'listResources' | 'listSubjects') {
  const side = op === 'listResources' ? { subject: reference(of) } : { resource: reference(of) }
  const request = { op, ...side, action, type, context: expand(context) }
  return { title: `${op} of ${of} ${action} ${type}`, request, expected: { ids } }
}
