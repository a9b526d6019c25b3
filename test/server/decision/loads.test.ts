// What a decision may cost the database (fbac.md §5): batches share their loads, and what is in memory asks nothing.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const policies = {
  'shelves.fbac': `module shelves

import User, Organization from "writ:identity"

entity Shelf in Organization {
  keeper: User
  relation reader: User
}
action read, keep on Shelf by User

@id("active-readers")
allow read on s: Shelf to reader of s

@id("keepers")
allow keep on s: Shelf to u: User
  when u.status == "active" and s.keeper.emailVerified and s.organization.status == "active"
`,
}

let server: TestServer
let authorization: string
const people: string[] = []
const asked: string[] = []
beforeAll(async () => {
  server = await startServer({ policies })
  authorization = await server.accessClient()
  const made = await server.admin('POST', '/admin/v1/organizations', { id: 'library', name: 'Library' })
  if (made.status !== 201) throw new Error(await made.text())
  for (let at = 0; at < 20; at += 1) {
    const user = await server.admin('POST', '/admin/v1/users', { email: `p${at}@example.test`, emailVerified: true })
    people.push(((await user.json()) as { id: string }).id)
  }
  for (const [at, keeper] of people.entries()) {
    const attributes = { keeper: { type: 'User', id: keeper } }
    const parents = [{ type: 'Organization', id: 'library' }]
    const put = await server.admin('PUT', `/admin/v1/entities/Shelf/s${at}`, { attributes, parents })
    if (put.status >= 300) throw new Error(await put.text())
  }
  // Counted where every statement passes; the server goes on as it did.
  const { database } = server.kernel
  const query = database.query.bind(database)
  database.query = (statement, values) => {
    asked.push(statement.name)
    return query(statement, values)
  }
})
afterAll(() => server.stop())

type Evaluation = { readonly decision: boolean }

async function evaluate(path: string, body: unknown): Promise<readonly boolean[]> {
  asked.length = 0
  const response = await fetch(`${server.url}/access/v1/${path}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status).toBe(200)
  const answer = (await response.json()) as Evaluation & { readonly evaluations?: readonly Evaluation[] }
  return (answer.evaluations ?? [answer]).map(({ decision }) => decision)
}
const question = (at: number, name: string) => ({
  subject: { type: 'User', id: people[at % 20] },
  action: { name },
  resource: { type: 'Shelf', id: `s${(at * 7) % 20}` },
})

test('a hundred evaluations that need three kinds of rows ask for them in at most three queries', async () => {
  server.clock.advance(5_000)
  const evaluations = Array.from({ length: 100 }, (_, at) => question(at, 'keep'))
  expect(await evaluate('evaluations', { evaluations })).toEqual(evaluations.map(() => true))
  expect(asked.length).toBeGreaterThan(0)
  expect(asked.length).toBeLessThanOrEqual(3)
})

test('one evaluation asks at most as often as it needs kinds of rows; its rows are good for a moment', async () => {
  server.clock.advance(5_000)
  expect(await evaluate('evaluation', question(0, 'keep'))).toEqual([true])
  expect(asked.length).toBeLessThanOrEqual(3)
  expect(await evaluate('evaluation', question(0, 'keep'))).toEqual([true])
  expect(asked).toEqual([])
})

test('what stands in memory asks the database nothing', async () => {
  server.clock.advance(5_000)
  // Who calls is known for some seconds.
  await evaluate('evaluation', question(0, 'read'))
  const evaluations = Array.from({ length: 100 }, (_, at) => question(at, 'read'))
  expect(await evaluate('evaluations', { evaluations })).toEqual(evaluations.map(() => false))
  expect(asked).toEqual([])
})
