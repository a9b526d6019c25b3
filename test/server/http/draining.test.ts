import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import Koa from 'koa'
import pino from 'pino'
import { fixedClock } from '../../../adapters/clock/fixed-clock.ts'
import { answerErrors } from '../../../server/http/layers/answer-errors.ts'
import { drain } from '../../../server/http/layers/drain.ts'
import { openRequest } from '../../../server/http/layers/open-request.ts'
import { operations } from '../../../server/http/layers/operations.ts'
import type { PipelineDeps } from '../../../server/http/pipeline.ts'

const draining = { isDraining: false }
let checks: { readonly [what: string]: boolean } = {}
let server: Server
beforeEach(async () => {
  draining.isDraining = false
  checks = { database: true, keys: true }
  // These layers read nothing else of what a pipeline is given.
  const deps = {
    config: { trustedProxies: [] },
    clock: fixedClock(0),
    log: pino({ level: 'silent' }),
    readiness: async () => checks,
    draining,
  } as unknown as PipelineDeps
  const app = new Koa()
  for (const layer of [openRequest, answerErrors, operations, drain]) app.use(layer(deps) as Koa.Middleware)
  app.use((context) => {
    context.body = 'served'
  })
  server = createServer(app.callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => new Promise((resolve) => server.close(resolve)))

const get = (path: string, method = 'GET') =>
  fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method })

describe('a server that is told to stop', () => {
  test('is no longer ready, but lives', async () => {
    expect((await get('/health/ready')).status).toBe(200)
    draining.isDraining = true
    const ready = await get('/health/ready')
    expect([ready.status, ready.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await ready.json()).toMatchObject({ status: 'draining' })
    expect((await get('/health/live')).status).toBe(200)
  })

  test('sends new requests elsewhere, and closes their connection', async () => {
    expect(await (await get('/anything')).text()).toBe('served')
    draining.isDraining = true
    const refused = await get('/anything')
    expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('connection')]).toEqual([
      503,
      '1',
      'close',
    ])
    expect(await refused.json()).toMatchObject({ code: 'shutting_down' })
  })
})

describe('readiness', () => {
  test('one missing part is 503, and is named', async () => {
    checks = { database: false, keys: true }
    const ready = await get('/health/ready')
    expect([ready.status, ready.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await ready.json()).toEqual({ status: 'unavailable', checks: { database: false, keys: true } })
  })

  test('another method is 405 with Allow', async () => {
    const answer = await get('/health/ready', 'POST')
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })
})
