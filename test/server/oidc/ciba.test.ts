// A person's word without the client's browser (OpenID CIBA Core 1.0).
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { guardedEgress } from '../../../adapters/egress/guarded-egress.ts'
import { askForWord, cibaGrant, openBackchannelAdmin } from '../../kit/ciba.ts'
import { askToken, postForm, refresh, type SignInAs } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let receiver: Server
let as: SignInAs
let alice: string
let admin: Awaited<ReturnType<typeof openBackchannelAdmin>>
let answers: number[]
let pings: { readonly authorization: string | undefined; readonly body: string }[]
beforeAll(async () => {
  rig = await openRig({ area: { egress: guardedEgress({ allowLoopback: true }) } })
  receiver = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      pings.push({ authorization: request.headers.authorization, body })
      response.writeHead(answers.shift() ?? 204, { location: '/elsewhere' }).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  as = {
    issuer: rig.issuer,
    client: { id: 'bank', redirectUri: '', secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'offline_access'],
  }
})
afterAll(async () => {
  await rig.close()
  receiver.close()
})
beforeEach(async () => {
  answers = []
  pings = []
  await rig.empty()
  alice = await rig.seed.account('alice@example.test')
  const grantTypes = [cibaGrant, 'refresh_token'] as const
  const scope = 'openid email offline_access access'
  await rig.seed.client('bank', { grantTypes: [...grantTypes], scope })
  await rig.seed.client('ringing', {
    grantTypes: [...grantTypes],
    scope,
    backchannelTokenDeliveryMode: 'ping',
    backchannelClientNotificationEndpoint: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/told`,
  })
  await rig.seed.client('desk', { grantTypes: ['client_credentials'], scope: 'admin' })
  await rig.seed.admin('desk')
  admin = await openBackchannelAdmin(rig.issuer, { id: 'desk', secret: clientSecret })
})

const poll = (id: string, client = as.client) => askToken({ ...as, client }, { grant_type: cibaGrant, auth_req_id: id })
const ask = async (fields: { readonly [name: string]: string }) => {
  const all = { scope: 'openid', login_hint: 'alice@example.test', ...fields }
  const { status, body } = await postForm(`${rig.issuer}/oauth2/ciba`, as.client, all)
  return { status, error: (JSON.parse(body) as { error?: string }).error }
}
const until = async (isThere: () => boolean | Promise<boolean>) => {
  for (let round = 0; !(await isThere()); round += 1) {
    if (round > 400) throw new Error('it never came')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe('poll (§10.1)', () => {
  test('a client waits for the person’s word, given by an admin call, and gets its tokens once', async () => {
    const asked = await askForWord(as, { binding_message: '이체 482-19' })
    expect(asked).toMatchObject({ auth_req_id: expect.any(String), expires_in: 600, interval: 5 })
    expect((await poll(asked.auth_req_id)).body.error).toBe('authorization_pending')
    expect((await poll(asked.auth_req_id)).body.error).toBe('slow_down')
    expect(await admin.list()).toMatchObject([{ clientId: 'bank', userId: alice, bindingMessage: '이체 482-19' }])
    expect(await admin.answer('approve')).toBe(204)
    const tokens = await poll(asked.auth_req_id)
    expect(tokens.status).toBe(200)
    expect(decodeJwt(tokens.body.id_token ?? '')).toMatchObject({ sub: alice, aud: 'bank' })
    expect((await refresh(as, tokens.body.refresh_token ?? '')).status).toBe(200)
    expect((await poll(asked.auth_req_id)).body.error).toBe('invalid_grant')
  })

  test('no is no', async () => {
    const asked = await askForWord(as)
    expect(await admin.answer('deny')).toBe(204)
    expect((await poll(asked.auth_req_id)).body.error).toBe('access_denied')
  })

  test('a token for a registered resource, if it was asked for', async () => {
    const resource = `${rig.issuer}/api`
    const asked = await askForWord(as, { scope: 'openid access', resource })
    await admin.answer('approve')
    const { body } = await askToken(as, { grant_type: cibaGrant, auth_req_id: asked.auth_req_id, resource })
    expect(decodeJwt(body.access_token ?? '')).toMatchObject({ sub: alice, aud: resource, scope: 'access' })
  })

  test('the client may ask for less time (§7.1)', async () => {
    expect(await askForWord(as, { requested_expiry: '30' })).toMatchObject({ expires_in: 30 })
    expect(await askForWord(as, { requested_expiry: '3000' })).toMatchObject({ expires_in: 600 })
  })

  test('a person is not asked by one client more than five times at once', async () => {
    for (let round = 0; round < 5; round += 1) await askForWord(as)
    expect(await ask({})).toEqual({ status: 400, error: 'access_denied' })
    await admin.answer('deny')
    expect((await ask({})).status).toBe(200)
  })

  test('without offline_access there is no refresh token: it would end with no session', async () => {
    const asked = await askForWord({ ...as, scopes: ['openid'] })
    await admin.answer('approve')
    const { status, body } = await poll(asked.auth_req_id)
    expect({ status, refresh: body.refresh_token }).toEqual({ status: 200, refresh: undefined })
  })

  test('of two answers at once one counts, and the other is told so', async () => {
    await askForWord(as)
    const [waiting] = await admin.list()
    const statuses = await Promise.all(
      (['approve', 'deny', 'approve', 'deny'] as const).map(
        async (verdict) => (await admin.settle(waiting?.id ?? '', verdict)).status,
      ),
    )
    expect(statuses.sort()).toEqual([204, 409, 409, 409])
  })

  test('what was asked before everything was ended is not approved any more (security.md row 16)', async () => {
    await askForWord(as)
    await rig.seed.run('update account set epoch = epoch + 1', [])
    expect(await admin.answer('approve')).toBe(403)
    expect(await admin.list()).toHaveLength(1)
  })
})

describe('ping (§10.2)', () => {
  const ringing = { ...clientOf('ringing') }
  const call = () => askForWord({ ...as, client: ringing }, { client_notification_token: 'a-token-of-the-client' })

  test('the client is told which request was decided, with its own token', async () => {
    const { auth_req_id: id } = await call()
    await admin.answer('approve')
    await until(() => pings.length === 1)
    expect(pings[0]?.authorization).toBe('Bearer a-token-of-the-client')
    expect(JSON.parse(pings[0]?.body ?? '')).toEqual({ auth_req_id: id })
    expect((await poll(id, ringing)).status).toBe(200)
  })

  test('a client that is away is told again', async () => {
    answers = [503]
    await call()
    await admin.answer('deny')
    await until(() => pings.length === 2)
  })

  test.each([401, 403, 302])('%i is final: neither followed nor told again', async (status) => {
    const dead = async () =>
      (await rig.seed.run(`select 1 from audit_event where action = 'oidc.ciba.ping.dead'`, [])).length
    const before = await dead()
    answers = [status]
    await call()
    await admin.answer('approve')
    await until(async () => (await dead()) > before)
    expect(pings).toHaveLength(1)
  })

  test('a request without a token to be called by is refused', async () => {
    const answer = await postForm(`${rig.issuer}/oauth2/ciba`, ringing, {
      scope: 'openid',
      login_hint: 'x@example.test',
    })
    expect(answer.status).toBe(400)
  })

  test('neither the request’s id nor the client’s token stands in the table', async () => {
    const { auth_req_id: id } = await call()
    const text = JSON.stringify(await rig.seed.run('select * from oidc_backchannel_request', []))
    expect(text).not.toContain(id)
    expect(text).not.toContain('a-token-of-the-client')
  })
})

describe('refused', () => {
  test.each([
    ['an address of nobody', { login_hint: 'nobody@example.test' }, 'unknown_user_id'],
    ['no address at all', { login_hint: 'x' }, 'unknown_user_id'],
    ['no hint', { login_hint: '' }, 'invalid_request'],
    ['two hints', { login_hint_token: 'x' }, 'invalid_request'],
    ['a message that is too long', { binding_message: 'x'.repeat(65) }, 'invalid_binding_message'],
    ['a message that cannot be seen', { binding_message: 'a\u202eb' }, 'invalid_binding_message'],
    ['a scope that it may not have', { scope: 'openid admin' }, 'invalid_scope'],
    ['no openid', { scope: 'email' }, 'invalid_request'],
    ['a time that is none', { requested_expiry: '-1' }, 'invalid_request'],
    ['a code of the person', { user_code: '1' }, 'invalid_request'],
  ])('%s', async (_what, fields, error) => {
    expect(await ask(fields)).toEqual({ status: 400, error })
  })

  test('an address that nobody has proved, and an account that is disabled, are nobody', async () => {
    await rig.seed.run('update identifier set verified_at = null', [])
    expect((await ask({})).error).toBe('unknown_user_id')
    await rig.seed.run('update identifier set verified_at = now()', [])
    await rig.seed.setStatus(alice, 'disabled')
    expect((await ask({})).error).toBe('unknown_user_id')
  })

  test('whoever is no administrator decides nothing (security.md row 10)', async () => {
    await askForWord(as)
    const [waiting] = await admin.list()
    await rig.seed.client('other', { grantTypes: ['client_credentials'], scope: 'admin' })
    const other = await openBackchannelAdmin(rig.issuer, { id: 'other', secret: clientSecret })
    expect((await other.settle(waiting?.id ?? '', 'approve')).status).toBe(403)
    expect((await other.settle('car_nothing', 'approve')).status).toBe(403)
    expect((await admin.settle('car_nothing', 'approve')).status).toBe(404)
    const bare = await fetch(`${rig.issuer}/admin/v1/authentication-requests/${waiting?.id}/approve`, {
      method: 'POST',
    })
    expect(bare.status).toBe(401)
  })

  test('the id by which administrators know a request opens nothing', async () => {
    await askForWord(as)
    await admin.answer('approve')
    const rows = await rig.seed.run('select public_id, id_hash from oidc_backchannel_request', [])
    const { public_id: name, id_hash: hash } = rows[0] as { public_id: string; id_hash: string }
    for (const guess of [name, hash, `#${hash}`]) expect((await poll(guess)).body.error).toBe('invalid_grant')
  })
})

test('discovery says so (§4)', async () => {
  const document = await (await fetch(`${rig.issuer}/.well-known/openid-configuration`)).json()
  expect(document).toMatchObject({
    backchannel_authentication_endpoint: `${rig.issuer}/oauth2/ciba`,
    backchannel_token_delivery_modes_supported: ['poll', 'ping'],
    grant_types_supported: expect.arrayContaining([cibaGrant]),
  })
})

function clientOf(id: string) {
  return { id, redirectUri: '', secret: clientSecret }
}
