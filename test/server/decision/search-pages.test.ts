import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startServer, type TestServer } from '../../kit/start-server.ts'

type Results = {
  readonly page: { readonly next_token: string; readonly count: number }
  readonly results: readonly { readonly id?: string; readonly name?: string }[]
}

const policies = (extra = '') => ({
  'papers.fbac': `import User from "writ:identity"

entity Box in up: Box? {
  relation viewer: User | any User
  relation canView = viewer or up.canView
}
entity Paper in box: Box? {
  owner?: User
  @suppliable open?: Bool
}
action read on Paper by User with { strong?: Bool }
action write on Paper by User implies read
action look on User by User

@id("owner")
allow write on p: Paper to owner of p
@id("box")
allow read on p: Paper to canView of p.box
@id("verified")
allow look on other: User to me: User when other.emailVerified or me == other
@id("shut")
deny read on p: Paper to User when not (p.open ?? true)
${extra}
`,
})

let server: TestServer
let authorization: string
const people: string[] = []
beforeAll(async () => {
  server = await startServer({ policies: policies() })
  authorization = await server.accessClient()
  for (const name of ['ann', 'bob', 'cem']) {
    const made = await server.admin('POST', '/admin/v1/users', {
      email: `${name}@example.test`,
      emailVerified: name !== 'cem',
    })
    expect(made.status).toBe(201)
    people.push(((await made.json()) as { id: string }).id)
  }
  const [ann = '', bob = ''] = people
  const user = (id: string) => ({ type: 'User', id })
  await put('Box/top', {})
  await put('Box/inner', { up: { type: 'Box', id: 'top' } })
  for (let at = 0; at < 7; at += 1) {
    const box = { type: 'Box', id: at % 2 ? 'inner' : 'other' }
    await put(`Paper/p${at}`, { box, ...(at < 4 ? { owner: user(at === 3 ? bob : ann) } : {}) })
  }
  await write({ resource: { type: 'Box', id: 'top' }, relation: 'viewer', subject: user(ann) })
  await write({ resource: { type: 'Box', id: 'only-a-tuple' }, relation: 'viewer', subject: user('ghost') })
  await put('Paper/p9', { box: { type: 'Box', id: 'only-a-tuple' } })
})
afterAll(() => server.stop())

const put = async (path: string, attributes: object) =>
  expect((await server.admin('PUT', `/admin/v1/entities/${path}`, { attributes })).status).toBeLessThan(300)
const write = async (tuple: object) =>
  expect((await server.admin('POST', '/admin/v1/relations/write', { writes: [tuple] })).status).toBe(200)

const post = (path: string, body: unknown, headers: { readonly [name: string]: string } = {}) =>
  fetch(`${server.url}/access/v1/${path}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
async function search(what: string, body: unknown): Promise<Results> {
  const response = await post(`search/${what}`, body)
  expect(response.status).toBe(200)
  return (await response.json()) as Results
}
async function pages(what: string, body: object, limit: number): Promise<string[]> {
  const found: string[] = []
  let token = ''
  do {
    const { page, results } = await search(what, { ...body, page: { limit, ...(token === '' ? {} : { token }) } })
    expect(results.length).toBeLessThanOrEqual(limit)
    expect(page.count).toBe(results.length)
    found.push(...results.map(({ id, name }) => id ?? name ?? ''))
    token = page.next_token
  } while (token !== '')
  return found
}
const asks = (who: string, type: string, action = 'read') => ({
  subject: { type: 'User', id: who },
  action: { name: action },
  resource: { type },
})

describe('searches answer what checks answer (SPEC 8.2, admin.md §5)', () => {
  test.each(['read', 'write'])('papers that somebody may %s, in pages of any size', async (action) => {
    for (const who of [...people, 'ghost', 'nobody']) {
      const ids = Array.from({ length: 10 }, (_, at) => `p${at}`)
      const response = await post('evaluations', {
        ...asks(who, 'Paper', action),
        evaluations: ids.map((id) => ({ resource: { type: 'Paper', id } })),
      })
      const { evaluations } = (await response.json()) as { evaluations: { decision: boolean }[] }
      const allowed = ids.filter((_, at) => evaluations[at]?.decision)
      for (const limit of [1, 3, 1000])
        expect(await pages('resource', asks(who, 'Paper', action), limit)).toEqual(allowed)
    }
  })

  test('who may: through boxes above, and one whom only a tuple names', async () => {
    const [ann = '', bob = ''] = people
    const readers = (id: string) =>
      pages('subject', { subject: { type: 'User' }, action: { name: 'read' }, resource: { type: 'Paper', id } }, 1)
    expect(await readers('p3')).toEqual([ann, bob].sort())
    expect(await readers('p9')).toEqual(['ghost'])
    expect(await readers('p6')).toEqual([])
  })

  test('rows of bound tables are listed whole: accounts that an account may look at', async () => {
    const [ann = '', bob = '', cem = ''] = people
    expect(await pages('resource', asks(ann, 'User', 'look'), 1)).toEqual([ann, bob].sort())
    expect(await pages('resource', asks(cem, 'User', 'look'), 2)).toEqual([ann, bob, cem].sort())
    const mayLook = { subject: { type: 'User' }, action: { name: 'look' }, resource: { type: 'User', id: ann } }
    const lookers = await pages('subject', mayLook, 2)
    expect(people.every((id) => lookers.includes(id))).toBe(true)
    expect([...lookers].sort()).toEqual(lookers)
  })

  test('what somebody may do, by name', async () => {
    const [ann = ''] = people
    const asked = { subject: { type: 'User', id: ann }, resource: { type: 'Paper', id: 'p1' } }
    expect(await pages('action', asked, 1)).toEqual(['read', 'write'])
    const shut = { ...asked, resource: { ...asked.resource, properties: { open: false } } }
    expect(await pages('action', shut, 10)).toEqual([])
    expect(await pages('action', { ...asked, resource: { type: 'Planet', id: 'p1' } }, 10)).toEqual([])
  })

  test('a caller without the scope gets nothing (401, 403), and no other method does (405)', async () => {
    expect((await post('search/resource', asks('x', 'Paper'), { authorization: 'Basic YTpi' })).status).toBe(401)
    const admin = await post('search/action', {}, { authorization: `Bearer ${server.adminToken()}` })
    expect(admin.status).toBe(403)
    expect((await fetch(`${server.url}/access/v1/search/subject`, { headers: { authorization } })).status).toBe(405)
  })
})

describe('page tokens (admin.md §5)', () => {
  const first = async () => (await search('resource', { ...asks(people[0] ?? '', 'Paper'), page: { limit: 1 } })).page
  const refused = async (body: unknown, what = 'resource') => {
    const response = await post(`search/${what}`, body)
    return [response.status, response.headers.get('writ-error-code')]
  }

  test('one that was altered, or made for another search, is refused', async () => {
    const { next_token: token } = await first()
    const asked = asks(people[0] ?? '', 'Paper')
    const forged = token.slice(0, -2) + (token.endsWith('AA') ? 'BB' : 'AA')
    expect(await refused({ ...asked, page: { token: forged } })).toEqual([400, 'invalid_page_token'])
    expect(await refused({ ...asked, page: { token: 'next' } })).toEqual([400, 'invalid_page_token'])
    const others = [
      asks(people[1] ?? '', 'Paper'),
      { ...asked, action: { name: 'write' } },
      { ...asked, context: { strong: true } },
    ]
    for (const other of others)
      expect(await refused({ ...other, page: { token } })).toEqual([400, 'invalid_page_token'])
    expect(await refused({ ...asked, resource: { type: 'Paper', id: 'p1' }, page: { token } }, 'subject')).toEqual([
      400,
      'invalid_page_token',
    ])
    expect((await post('search/resource', { page: { token }, ...asked })).status).toBe(200)
  })

  test('it shows no id, and says which rules and state it was judged by', async () => {
    const { next_token: token } = await first()
    expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain('p0')
    const response = await post('search/resource', asks(people[0] ?? '', 'Paper'))
    expect(response.headers.get('writ-consistency')).toMatch(/^ct_/)
    expect(response.headers.get('writ-policy-version')).toMatch(/^[0-9a-f]{64}$/)
    const again = { 'writ-consistency': response.headers.get('writ-consistency') ?? '' }
    expect((await post('search/resource', asks(people[0] ?? '', 'Paper'), again)).status).toBe(200)
  })

  test.each([
    ['a limit of 0', { limit: 0 }],
    ['a limit that is no number', { limit: 'all' }],
    ['a token that is no text', { token: 7 }],
    ['a page that is no object', 7],
  ])('refuses %s', async (_, page) => {
    expect(await refused({ ...asks('x', 'Paper'), page })).toEqual([400, 'invalid_request'])
  })

  test('what is written between two pages is on the later one, and nothing is shown twice or lost', async () => {
    const asked = asks(people[0] ?? '', 'Paper')
    const { page, results } = await search('resource', { ...asked, page: { limit: 2 } })
    await put('Paper/p00', { box: { type: 'Box', id: 'top' } })
    await put('Paper/p8', { box: { type: 'Box', id: 'top' } })
    const rest = await search('resource', { ...asked, page: { token: page.next_token } })
    expect([...results, ...rest.results].map(({ id }) => id)).toEqual(['p0', 'p1', 'p2', 'p3', 'p5', 'p8'])
  })

  test('new rules end the search: the token is told to be outdated', async () => {
    const { next_token: token } = await first()
    await server.activate(policies('@id("more")\nallow read on Paper to User when false'))
    expect(await refused({ ...asks(people[0] ?? '', 'Paper'), page: { token } })).toEqual([400, 'outdated_page_token'])
  })
})
