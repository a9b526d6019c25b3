import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { guardedEgress } from '../../../adapters/egress/guarded-egress.ts'

let server: Server
let url: string
const heard: string[] = []
beforeAll(async () => {
  server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url} ${request.headers.host}`)
    if (request.url === '/moved') response.writeHead(302, { location: '/' }).end()
    else if (request.url === '/long') response.end('x'.repeat(65 * 1024))
    else if (request.url === '/typed')
      response
        .writeHead(200, {
          'content-type': 'application/json',
          'cache-control': 'max-age=5',
          'set-cookie': 'a=b',
          'x-a': 'b',
        })
        .end('{}')
    else if (request.url === '/empty') response.writeHead(204).end()
    else request.pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server.close())

describe('where this machine may be asked', () => {
  const egress = guardedEgress({ allowLoopback: true })

  test('sends a body and reads the answer, by address and by name', async () => {
    const answer = await egress(url, { method: 'POST', body: new URLSearchParams({ a: '1' }) })
    expect([answer.status, await answer.text()]).toEqual([200, 'a=1'])
    expect((await egress(`${url}/empty`, {})).status).toBe(204)
  })

  test('passes on what the answer says of itself, and nothing else of its head', async () => {
    const { headers } = await egress(`${url}/typed`, {})
    expect([...headers]).toEqual([
      ['cache-control', 'max-age=5'],
      ['content-type', 'application/json'],
    ])
  })

  test('follows no redirect', async () => {
    expect((await egress(`${url}/moved`, {})).status).toBe(302)
    expect(heard.at(-1)).toMatch(/^GET \/moved/)
  })

  test('reads 64 KiB and no more', async () => {
    await expect(egress(`${url}/long`, {})).rejects.toMatchObject({ kind: 'too_large' })
  })

  test('who does not listen is unavailable', async () => {
    await expect(egress('http://127.0.0.1:1', {})).rejects.toMatchObject({ kind: 'unavailable' })
  })
})

test.each([
  'http://93.184.215.14/',
  'https://127.0.0.1/',
  'https://localhost/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://10.1.2.3/',
  'https://169.254.169.254/latest/meta-data/',
  'https://192.168.0.1/',
  'https://100.64.0.1/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[fd00::1]/',
  'https://[fe80::1]/',
  'https://[2002:7f00:1::]/',
  'https://user:pass@example.com/',
  'file:///etc/passwd',
  'not an address',
])('refuses %s before anything is sent (security.md row 9)', async (address) => {
  await expect(guardedEgress({ allowLoopback: false })(address, {})).rejects.toMatchObject({ kind: 'refused' })
})

test('leave to ask this machine is no leave to ask its network', async () => {
  const egress = guardedEgress({ allowLoopback: true })
  for (const address of ['https://10.1.2.3/', 'http://169.254.169.254/', 'http://93.184.215.14/']) {
    await expect(egress(address, {})).rejects.toMatchObject({ kind: 'refused' })
  }
})
