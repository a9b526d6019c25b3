// A tenant's own APIs are named nothing that is this server's, by whichever door they are written (RFC 8707, provider.md §2).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startServer, type TestServer } from '../../kit/start-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

const settings = (identifier: string) => ({ resources: [{ identifier, name: 'Shop' }] })
const told = async (answer: Response) => [answer.status, /resource_of_server/.exec(await answer.text())?.[0]]
const put = async (identifier: string) =>
  told(await server.admin('PUT', '/admin/v1/openid-settings', settings(identifier)))
const apply = async (identifier: string) => {
  const documents = [{ kind: 'OpenidSettings', name: 'openid', spec: settings(identifier) }]
  return told(await server.admin('POST', '/admin/v1/apply', { documents }))
}

test('the admin API takes an address elsewhere, and refuses one under the issuer', async () => {
  expect(await put('https://api.shop.example')).toEqual([204, undefined])
  expect(await put(`${server.url}/shop`)).toEqual([400, 'resource_of_server'])
})

test('documents too', async () => {
  expect(await apply('https://other.shop.example')).toEqual([200, undefined])
  expect(await apply(`${server.url}/shop`)).toEqual([422, 'resource_of_server'])
})
