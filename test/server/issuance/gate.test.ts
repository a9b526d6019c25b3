import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { anonymous } from '../../../server/http/authentication.ts'
import { Refusal } from '../../../server/http/refusal.ts'
import type { RequestScope } from '../../../server/http/request-scope.ts'
import { createGate } from '../../../server/issuance/gate.ts'
import type { Issue, IssueRequest } from '../../../server/issuance/issue.ts'
import { openRig, type Rig } from '../oidc/rig.ts'
import { handWrittenDecisions } from './hand-written-decisions.ts'

let rig: Rig
let issue: Issue
const decisions = handWrittenDecisions()
let accountId: string
let request: IssueRequest
beforeAll(async () => {
  rig = await openRig()
  issue = createGate({ database: rig.database, decisions })
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  await rig.seed.tenant('default')
  accountId = await rig.seed.account('alice@example.test')
  await rig.seed.client('web', { redirectUris: ['https://app.example/cb'], scope: 'openid' })
  request = { kind: 'code', grant: 'authorization_code', clientId: 'web', accountId, scopes: ['openid'] }
})

const scopeOf = (): RequestScope => ({
  requestId: 'req_1',
  tenant: rig.kernel.tenants.default(),
  subject: anonymous,
  scopes: new Set(),
  ip: '192.0.2.1',
  policy: { tenantId: 'default', version: 'by hand' } as RequestScope['policy'],
  now: rig.clock.now(),
})

const refusalOf = async (asked: IssueRequest): Promise<string> => {
  try {
    await issue(scopeOf(), asked)
    return 'permitted'
  } catch (error) {
    if (error instanceof Refusal) return error.kind.code
    throw error
  }
}

describe('the issuance gate', () => {
  test('permits what policy allows, with the id of the decision and the epochs it saw', async () => {
    const permit = await issue(scopeOf(), request)
    expect(permit.decisionId).toMatch(/^dec_/)
    // The password raised the account's epoch once.
    expect(permit.epochs).toEqual({ tenant: 0, account: 1, client: 0 })
  })

  test('asks `issue on Credential` with fresh entities and typed arguments', async () => {
    await issue(scopeOf(), { ...request, audience: 'https://api.example', acr: 'pwd' })
    const question = decisions.asked.at(-1)
    expect(question).toMatchObject({
      action: 'issue',
      resource: { type: 'Credential' },
      subject: { type: 'User', id: accountId },
      context: {
        grant: 'authorization_code',
        requestedScopes: ['openid'],
        audience: 'https://api.example',
        acr: 'pwd',
        locked: false,
        stale: false,
      },
    })
    expect(question?.entities?.map(({ uid }) => uid.type).sort()).toEqual(['Client', 'Credential', 'Tenant', 'User'])
  })

  test.each([
    ['an account that is gone', { accountId: '00000000-0000-4000-8000-000000000000' }],
    ['a client that is gone', { clientId: 'nobody' }],
    ['a scope that the client may not have', { scopes: ['openid', 'admin'] }],
    ['an older account epoch', { epochs: { account: 0 } }],
  ])('refuses %s', async (_what, change) => {
    expect(await refusalOf({ ...request, ...change })).toBe('credential_refused')
  })

  test.each([
    ['account', `update account set epoch = epoch + 1`, { account: 1 }],
    ['client', `update client set epoch = epoch + 1`, { client: 0 }],
    ['tenant', `update tenant set epoch = epoch + 1`, { tenant: 0 }],
  ])('refuses what was derived before the epoch of the %s rose (security.md row 16)', async (_what, change, epochs) => {
    expect(await refusalOf({ ...request, epochs })).toBe('permitted')
    await rig.seed.run(change, [])
    expect(await refusalOf({ ...request, epochs })).toBe('credential_refused')
  })

  test('refuses in a tenant that is gone, and finds nobody of another', async () => {
    for (const id of ['gone', 'other']) {
      if (id === 'other') await rig.seed.tenant(id)
      const scope = { ...scopeOf(), tenant: { ...scopeOf().tenant, id } }
      await expect(issue(scope, request)).rejects.toThrow('credential_refused')
    }
  })

  test.each([
    ['a sign-in from a strange browser', { deviceKnown: false }, 'credential_refused'],
    ['a sign-in from a known browser', { deviceKnown: true }, 'permitted'],
    ['anything but a sign-in', { kind: 'refresh' as const, grant: 'refresh_token' }, 'permitted'],
  ])('guesses at the password stop: %s → %s', async (_what, change, outcome) => {
    const insert = `insert into attempt_budget (tenant_id, subject, window_start, failures) values ('default', $1, $2, 10)`
    await rig.seed.run(insert, [`password:${accountId}`, new Date(rig.clock.now())])
    const session: IssueRequest = { kind: 'session', grant: 'password_sign_in', accountId, scopes: [] }
    const asked = 'kind' in change ? { ...request, ...change } : { ...session, ...change }
    expect(await refusalOf(asked)).toBe(outcome)
  })

  test('one request reads the standing of the same pair once', async () => {
    const scope = scopeOf()
    await issue(scope, request)
    await rig.seed.run(`update account set status = 'disabled'`, [])
    await issue(scope, { ...request, kind: 'refresh' })
    await expect(issue(scopeOf(), request)).rejects.toThrow('credential_refused')
  })
})
