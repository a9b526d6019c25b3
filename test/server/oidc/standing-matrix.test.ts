// Every grant and flow × every bad state: all refuse (security.md row 1). A new flow or state is a new row.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { grantNames } from '../../../server/oidc/client-metadata.ts'
import { createTrustedIssuerStore, trustedIssuerSchema } from '../../../server/oidc/trusted-issuers.ts'
import { askForWord, cibaGrant, openBackchannelAdmin } from '../../kit/ciba.ts'
import { askForDevice, confirmDevice, deviceGrant } from '../../kit/device.ts'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { askToken, authorize, postForm, redeem, refresh, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { type ClientKey, openClientKey } from './proofs.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let as: SignInAs
let accountId: string
let key: ClientKey
const upstream = 'https://login.partner.example'
beforeAll(async () => {
  rig = await openRig()
  key = await openClientKey()
  const settings = { jwks: { keys: [key.publicJwk] }, subject: { by: 'account' }, scope: 'access' }
  await createTrustedIssuerStore(rig.database, 'default').put({
    ...trustedIssuerSchema.parse(settings),
    issuer: upstream,
  })
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  await rig.seed.tenant('default')
  accountId = await rig.seed.account('alice@example.test')
  const redirectUri = `${rig.issuer}/app/cb`
  await rig.seed.client(
    'web',
    {
      redirectUris: [redirectUri],
      grantTypes: [
        'authorization_code',
        'refresh_token',
        'client_credentials',
        deviceGrant,
        cibaGrant,
        grantNames.exchange,
        grantNames.assertion,
      ],
      trustedIssuers: [upstream],
      identityAssertionAudiences: [{ issuer: upstream, clientId: 'web-there', scope: '' }],
      scope: 'openid email offline_access access',
    },
    { firstParty: true },
  )
  as = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'email', 'offline_access'],
    parameters: { prompt: 'consent' },
  }
})

type Prepared = () => Promise<{ readonly status: number; readonly said: string }>

/** Everything up to the last step, and the last step. */
const flows: { readonly [name: string]: () => Promise<Prepared> } = {
  'code exchange': async () => {
    const authorization = await authorize(as)
    return async () => said(await redeem(as, authorization))
  },
  refresh: async () => {
    const { tokens } = await signIn(as)
    return async () => said(await refresh(as, tokens.body.refresh_token ?? ''))
  },
  'device authorization': async () => async () => {
    const { status, body } = await postForm(`${rig.issuer}/oauth2/device_authorization`, as.client, {
      scope: 'openid email',
    })
    return { status, said: status === 200 ? 'code' : body }
  },
  'device confirmation': async () => {
    const { user_code: userCode } = await askForDevice(as)
    const browser = openHttpBrowser()
    await browser.open(`${rig.issuer}/device`)
    await browser.submit({ user_code: userCode })
    await browser.submit({}, 'confirm')
    return async () => {
      const page = await browser.submit({ ...as.user })
      return { status: page.status, said: page.text.includes('device-done') ? 'code' : 'page' }
    }
  },
  'device code': async () => {
    const { user_code: userCode, device_code: code } = await askForDevice(as)
    await confirmDevice(as, openHttpBrowser(), userCode)
    return async () => said(await askToken(as, { grant_type: deviceGrant, device_code: code }))
  },
  'CIBA request': async () => async () => {
    const fields = { scope: 'openid email', login_hint: as.user.identifier }
    const { status, body } = await postForm(`${rig.issuer}/oauth2/ciba`, as.client, fields)
    return { status, said: status === 200 ? 'code' : body }
  },
  'CIBA approval': async () => {
    await askForWord(as)
    const admin = await openDesk()
    const [waiting] = await admin.list()
    return async () => {
      const { status } = await admin.settle(waiting?.id ?? '', 'approve')
      return { status, said: status === 204 ? 'code' : 'refused' }
    }
  },
  'CIBA redemption': async () => {
    const { auth_req_id: id } = await askForWord(as)
    await (await openDesk()).answer('approve')
    return async () => said(await askToken(as, { grant_type: cibaGrant, auth_req_id: id }))
  },
  'token exchange': async () => {
    const resource = `${rig.issuer}/api`
    const { tokens } = await signIn({ ...as, resource, scopes: ['openid', 'email', 'access'] })
    const own = await askToken(as, { grant_type: 'client_credentials', scope: 'access' })
    return async () =>
      said(
        await askToken(as, {
          grant_type: grantNames.exchange,
          subject_token: tokens.body.access_token ?? '',
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          actor_token: own.body.access_token ?? '',
          actor_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        }),
      )
  },
  'token exchange of an ID token': async () => {
    const { tokens } = await signIn({ ...as, parameters: {} })
    await rig.seed.holder('impersonator', 'web')
    return async () =>
      said(
        await askToken(as, {
          grant_type: grantNames.exchange,
          subject_token: tokens.body.id_token ?? '',
          subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
          scope: 'access',
        }),
      )
  },
  'identity assertion': async () => {
    const { tokens } = await signIn({ ...as, parameters: {} })
    return async () =>
      said(
        await askToken(as, {
          grant_type: grantNames.exchange,
          requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
          subject_token: tokens.body.id_token ?? '',
          subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
          audience: upstream,
        }),
      )
  },
  'JWT assertion': async () => {
    const assertion = await key.assertion(accountId, rig.issuer, { iss: upstream })
    return async () => said(await askToken(as, { grant_type: grantNames.assertion, assertion, scope: 'access' }))
  },
  'client credentials': async () => async () =>
    said(await askToken(as, { grant_type: 'client_credentials', scope: 'access' })),
  'session sign-in': async () => {
    const browser = openHttpBrowser()
    await browser.open(startUrl())
    return async () => {
      const page = await browser.submit({ ...as.user })
      return { status: page.status, said: new URL(page.url).searchParams.get('code') === null ? 'no code' : 'code' }
    }
  },
  'session that stands': async () => {
    const { browser } = await signIn({ ...as, parameters: {} })
    return async () => {
      const { searchParams } = new URL((await browser.open(`${startUrl()}&prompt=none`)).url)
      return { status: 303, said: searchParams.get('error') ?? (searchParams.has('code') ? 'code' : 'page') }
    }
  },
  userinfo: async () => {
    const { tokens } = await signIn(as)
    return async () => {
      const headers = { authorization: `Bearer ${tokens.body.access_token}` }
      const response = await fetch(`${rig.issuer}/oauth2/userinfo`, { headers })
      return { status: response.status, said: await response.text() }
    }
  },
  introspection: async () => {
    const { tokens } = await signIn(as)
    return async () => {
      const { status, body } = await postForm(`${rig.issuer}/oauth2/introspect`, as.client, {
        token: tokens.body.access_token ?? '',
      })
      return { status, said: status === 200 ? String(JSON.parse(body).active) : body }
    }
  },
  'JWT introspection': async () => {
    const resource = `${rig.issuer}/api`
    const { tokens } = await signIn({ ...as, resource, scopes: ['openid', 'email', 'offline_access', 'access'] })
    return async () => {
      const { status, body } = await postForm(`${rig.issuer}/oauth2/introspect`, as.client, {
        token: tokens.body.access_token ?? '',
      })
      return { status, said: status === 200 ? String(JSON.parse(body).active) : body }
    }
  },
}

const said = ({ status, body }: { readonly status: number; readonly body: { readonly error?: string } }) => ({
  status,
  said: body.error ?? 'tokens',
})

/** A client of the administrators, so that what happens to `web` does not happen to it. */
async function openDesk() {
  await rig.seed.client('desk', { grantTypes: ['client_credentials'], scope: 'admin' })
  await rig.seed.admin('desk')
  return openBackchannelAdmin(rig.issuer, { id: 'desk', secret: clientSecret })
}

const startUrl = () =>
  `${rig.issuer}/oauth2/authorize?${new URLSearchParams({
    response_type: 'code',
    client_id: 'web',
    redirect_uri: as.client.redirectUri,
    scope: 'openid email',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })}`

const good = /^(tokens|code|true|\{"sub":.*)$/

/** Flows without a person. */
const nobodysOwn = ['client credentials', 'device authorization'] as const

/** Each as an administrator or the world makes it so, behind the provider's back where it may be. */
const states: {
  readonly [name: string]: { readonly make: () => Promise<unknown>; readonly spares?: readonly string[] }
} = {
  'account disabled': { make: () => rig.seed.setStatus(accountId, 'disabled'), spares: [...nobodysOwn] },
  'account deleted': { make: () => rig.seed.setStatus(accountId, 'deleted'), spares: [...nobodysOwn] },
  'account disabled in the table alone': {
    make: () => rig.seed.run(`update account set status = 'disabled'`, []),
    spares: [...nobodysOwn],
  },
  'account epoch raised': {
    make: () => rig.seed.run('update account set epoch = epoch + 1', []),
    // A new sign-in is what a raised epoch asks for.
    spares: [...nobodysOwn, 'session sign-in', 'device confirmation', 'CIBA request', 'JWT assertion'],
  },
  'client disabled': {
    make: () => rig.seed.run(`update client set status = 'disabled', epoch = epoch + 1`, []),
    // A sign-in is the person's; the code it leads to is refused below.
    spares: [],
  },
  'grant taken from the client': {
    make: () =>
      rig.seed.run(
        `update client set metadata = jsonb_set(metadata, '{grantTypes}', '["implicit"]'), epoch = epoch + 1`,
        [],
      ),
  },
  'tenant suspended': { make: () => rig.seed.run(`update tenant set status = 'suspended', epoch = epoch + 1`, []) },
  'scope taken from the client': {
    make: () =>
      rig.seed.run(`update client set metadata = jsonb_set(metadata, '{scope}', '"openid"'), epoch = epoch + 1`, []),
    // It asks for no scope of ours.
    spares: ['identity assertion'],
  },
}

describe.each(Object.entries(flows))('%s', (flow, prepare) => {
  test('works while everybody stands well', async () => {
    const last = await prepare()
    expect((await last()).said).toMatch(good)
  })
  const rows = Object.entries(states).filter(([, { spares }]) => !spares?.includes(flow))
  test.each(rows)('refuses: %s', async (_state, { make }) => {
    const last = await prepare()
    await make()
    const answer = await last()
    expect(answer.said).not.toMatch(good)
    expect(answer.status).toBeLessThan(500)
  })
})

describe('locked', () => {
  test('guesses from strange browsers lock strange browsers out, and nobody else (people.md §4)', async () => {
    const { browser, tokens } = await signIn(as)
    await rig.seed.run(
      `insert into attempt_budget (tenant_id, subject, window_start, failures) values ('default', $1, now(), 100)
on conflict (tenant_id, subject) do update set failures = 100, window_start = excluded.window_start`,
      [`password:${accountId}`],
    )
    await rig.seed.run(`update attempt_budget set window_start = $1 where subject like 'password:%'`, [
      new Date(rig.clock.now()),
    ])
    const strange = openHttpBrowser()
    await strange.open(startUrl())
    expect((await strange.submit({ ...as.user })).status).toBe(429)
    expect(await refresh(as, tokens.body.refresh_token ?? '')).toMatchObject({ status: 200 })
    await browser.open(`${startUrl()}&prompt=login`)
    const known = await browser.submit({ ...as.user })
    expect(new URL(known.url).searchParams.get('code')).toEqual(expect.any(String))
  })
})
