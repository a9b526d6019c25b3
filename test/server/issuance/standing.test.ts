import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { readClientStandings, readStanding } from '../../../server/issuance/standing.ts'
import { openRig, type Rig } from '../oidc/rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig.close())

test('clients that are read together stand as each does alone', async () => {
  await rig.seed.tenant('acme')
  await rig.seed.client('web', { redirectUris: ['https://app.example/cb'], scope: 'openid' })
  await rig.seed.client('web', { grantTypes: ['client_credentials'], scope: 'access' }, { tenantId: 'acme' })
  await rig.seed.client('off', { grantTypes: ['client_credentials'], scope: 'access' }, { firstParty: true })
  await rig.seed.run(`update client set status = 'disabled', epoch = 3 where id = 'off'`, [])
  const asked = [
    { tenantId: 'default', clientId: 'off' },
    { tenantId: 'acme', clientId: 'web' },
    { tenantId: 'nowhere', clientId: 'web' },
    { tenantId: 'default', clientId: 'web' },
    { tenantId: 'acme', clientId: 'off' },
    { tenantId: 'default', clientId: 'web' },
  ]
  const alone = await Promise.all(asked.map((each) => readStanding(rig.database, each, rig.clock.now())))
  expect(await readClientStandings(rig.database, asked)).toEqual(alone)
  expect(alone.map((each) => each?.client?.status)).toEqual([
    'disabled',
    'active',
    undefined,
    'active',
    undefined,
    'active',
  ])
  expect(alone[2]).toBeUndefined()
})
