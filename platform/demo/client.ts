import { isDeepStrictEqual } from 'node:util'
import { clientMetadataSchema, createClientStore, defaultTenantId, type Kernel } from '../../server/module.ts'

export const demoClientId = 'demo'
export const redirectPath = '/demo/callback'
export const scope = 'openid profile email'

/**
 * Registers the sample app as a first-party client, or brings its addresses up to date where the server has moved. A public
 * client: it has no secret to keep, PKCE binds the code to it.
 */
export async function registerDemoClient(kernel: Kernel): Promise<void> {
  const { issuer } = kernel.config
  const metadata = clientMetadataSchema.parse({
    redirectUris: [issuer + redirectPath],
    postLogoutRedirectUris: [`${issuer}/demo`],
    grantTypes: ['authorization_code'],
    tokenEndpointAuthMethod: 'none',
    idTokenSignedResponseAlg: 'ES256',
    scope,
    allowedResources: ['/api'],
    accessTokenLifetimeSeconds: 3600,
  })
  const store = createClientStore(kernel.database, defaultTenantId)
  const existing = await store.find(demoClientId)
  if (existing && isDeepStrictEqual(existing.metadata, metadata)) return
  const actor = {
    tenantId: defaultTenantId,
    subject: { kind: 'entity', type: 'Client', id: demoClientId },
    reason: 'sample app',
  } as const
  await kernel.withTransaction(actor, async (unit) => {
    if (existing) await store.update(unit, demoClientId, { metadata })
    else await store.create(unit, { id: demoClientId, name: 'Writ demo', metadata, firstParty: true }, undefined)
  })
}
