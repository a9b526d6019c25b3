import fc from 'fast-check'
import {
  createEntityStore,
  type EntityStore,
  type Program,
  type Request,
  readData,
  readRequest,
} from '../../../policy-lang/index.ts'
import type { Json } from '../../../policy-lang/runtime/strict-json.ts'

/** Data and requests for the schema of random sets: present, missing, of another type. */
export type RandomWorld = { readonly data: Json; readonly requests: readonly Json[]; readonly risk: number | undefined }

const reference = (type: string, id: string): Json => ({ type, id })
const users = ['ann', 'bob'] as const
const user = fc.constantFrom(...users).map((id) => reference('User', id))
const present = <T extends Json>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 6 })

const document: fc.Arbitrary<{ readonly [name: string]: Json | undefined }> = fc.record({
  folder: present(fc.constantFrom('f', 'root').map((id) => reference('Folder', id))),
  author: present(user),
  level: present(fc.constantFrom<Json>('low', 'middle', 'high', 'top')),
  size: present(fc.constantFrom<Json>(0, 3, 6, -6, 5_000_000_000)),
  price: present(fc.constantFrom<Json>('1.5', '3.0001', '3')),
  open: present(fc.boolean()),
  title: present(fc.constantFrom<Json>('x', 'abc*', 'UTC', 'Europe/Berlin')),
  tags: present(fc.subarray(['a', 'b', 'long'])),
  due: present(fc.constantFrom<Json>('2026-03-02T09:00:00Z', '2026-03-02T11:00:00Z', 'soon')),
  near: present(fc.constantFrom('d1', 'd2', 'gone').map((id) => reference('Document', id))),
  rates: present(fc.constantFrom<Json>({}, { eur: 1 }, { eur: 2 })),
  home: present(fc.constantFrom<Json>({ city: 'Bonn', zip: '53111' }, { city: 'Rome' }, {})),
  by: present(fc.constantFrom(reference('User', 'ann'), reference('Client', 'c'), reference('Group', 'g'))),
})

const tuple = fc.record({
  subject: fc.constantFrom(reference('User', 'ann'), reference('User', 'bob'), reference('Client', '*')),
  relation: fc.constantFrom('viewer', 'blocked'),
  resource: fc.constantFrom(reference('Folder', 'f'), reference('Folder', 'root')),
})

const context = fc.record({
  limit: present(fc.constantFrom<Json>(1, 9)),
  level: present(fc.constantFrom<Json>('low', 'high')),
  session: present(
    fc
      .constantFrom('pwd', 'phr')
      .map((acr): Json => ({ id: 's', acr, amr: [], authenticatedAt: '2026-03-02T09:00:00Z' })),
  ),
})

export const anyWorld: fc.Arbitrary<RandomWorld> = fc
  .record({
    documents: fc.tuple(document, document),
    rooted: fc.boolean(),
    tuples: fc.array(tuple, { maxLength: 3 }),
    contexts: fc.tuple(context, context),
    risk: fc.option(fc.constantFrom(1, 9), { nil: undefined }),
  })
  .map(({ documents, rooted, tuples, contexts, risk }) => ({
    risk,
    data: dataOf(
      documents,
      rooted,
      tuples.filter(({ subject, relation }) => relation === 'viewer' || isUser(subject)),
    ),
    requests: contexts.flatMap((each) => requestsOf(withoutGaps(each))),
  }))

/** A store of the world for a program, or an error that says what in the world is wrong. */
export function storeOf(program: Program, data: Json): EntityStore {
  const read = readData(program, data)
  const store = createEntityStore(program)
  for (const entity of read.entities) store.putEntity(entity)
  for (const each of read.tuples) store.putTuple(each)
  return store
}

export function typedRequests(program: Program, { requests }: RandomWorld): readonly Request[] {
  return requests.map((json) => {
    const read = readRequest(program, json)
    if (!read.ok) throw new Error(read.message)
    return read.request
  })
}

const isUser = (json: Json): boolean => JSON.stringify(json).includes('User')

function dataOf(
  documents: readonly { readonly [name: string]: Json | undefined }[],
  rooted: boolean,
  tuples: readonly Json[],
): Json {
  const organization = reference('Organization', 'o')
  const folder = (id: string, attrs: Json): Json => ({ uid: reference('Folder', id), attrs })
  return {
    entities: [
      ...users.map((id): Json => ({ uid: reference('User', id), attrs: {} })),
      folder('root', { organization, owner: reference('User', 'bob') }),
      folder('f', {
        organization,
        owner: reference('User', 'ann'),
        ...(rooted ? { parent: reference('Folder', 'root') } : {}),
      }),
      ...documents.map((attrs, at): Json => ({ uid: reference('Document', `d${at + 1}`), attrs: withoutGaps(attrs) })),
    ],
    tuples: [...tuples],
  }
}

const withoutGaps = (members: { readonly [name: string]: Json | undefined }): Json =>
  Object.fromEntries(Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

const requestsOf = (asked: Json): readonly Json[] =>
  [reference('User', 'ann'), reference('Client', 'c'), undefined].flatMap((subject) =>
    ['d1', 'd2', 'gone'].flatMap((id) =>
      ['read', 'edit', 'burn'].map(
        (action): Json => ({
          ...(subject === undefined ? {} : { subject }),
          action,
          resource: reference('Document', id),
          context: asked,
        }),
      ),
    ),
  )
