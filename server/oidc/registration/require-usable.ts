import type { ClientMetadata } from 'oidc-provider'
import { type Egress, EgressError } from '../../../adapters/egress/port.ts'
import type { detailTypesOf } from '../authorization-details.ts'
import { type ClientRecord, toLibraryMetadata } from '../client-records.ts'
import type { TenantProvider } from '../providers.ts'
import { registrationErrors } from './errors.ts'
import type { Candidate } from './read-metadata.ts'

/**
 * Throws where the provider could not serve the client: what the library finds wrong with it, its sector included (OIDC Core §8.1),
 * and addresses that the guard refuses. An address that does not answer now may answer later.
 */
export async function requireUsable(
  { provider, library }: Pick<TenantProvider, 'provider' | 'library'>,
  candidate: Candidate & { readonly clientId: string; readonly detailTypes: ReturnType<typeof detailTypesOf> },
  egress: Egress | undefined,
): Promise<void> {
  const { clientId, name, metadata, detailTypes } = candidate
  const unknown = metadata.authorizationDetailsTypes?.find((type) => !detailTypes.includes(type))
  if (unknown !== undefined) throw refuse(`authorization_details_types: there is no ${unknown}`)
  await requirePublic(egress, { jwks_uri: metadata.jwksUri, logo_uri: metadata.logoUri })
  const record: ClientRecord = {
    id: clientId,
    name,
    metadata,
    secretHashes: [],
    firstParty: false,
    epoch: 0,
    origin: 'registration',
  }
  const members = {
    ...toLibraryMetadata(record),
    authorization_details_types: metadata.authorizationDetailsTypes ?? [],
  }
  try {
    // Registered names; some are younger than the published types.
    await provider.Client.validate(members as unknown as ClientMetadata)
  } catch (error) {
    if (!(error instanceof library.errors.OIDCProviderError) || error.statusCode >= 500) throw error
    throw refuse(error.error_description ?? error.message, error)
  }
}

async function requirePublic(
  egress: Egress | undefined,
  addresses: { readonly [member: string]: string | undefined },
): Promise<void> {
  for (const [member, address] of Object.entries(addresses)) {
    if (address === undefined) continue
    if (!egress) throw refuse(`${member} cannot be read: requests to the outside are off`)
    try {
      await egress(address, { headers: { accept: '*/*' } })
    } catch (error) {
      if (!(error instanceof EgressError)) throw error
      if (error.kind === 'refused') throw refuse(`${member} is not a public address`, error)
      if (error.kind === 'too_large') throw refuse(`${member} leads to more than 64 KiB`, error)
    }
  }
}

const refuse = (detail: string, cause?: unknown): Error =>
  registrationErrors.invalid_client_metadata({ detail: detail.slice(0, 300), cause })
