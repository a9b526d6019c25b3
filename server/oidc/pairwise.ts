import { createHmac, hash } from 'node:crypto'
import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import { SecretError, type Secrets } from '../../adapters/secrets/port.ts'
import type { ClientMetadata } from './client-metadata.ts'
import type { Actor } from './mint-access-token.ts'

/** A sector's address was seen to name the client's redirects; it is asked again after this time, or when either changes. */
const verifiedMilliseconds = 24 * 60 * 60 * 1_000
const verifiedEntries = 10_000

/** What the library's types leave out of a client. */
export type SectorClient = Pick<Client, 'clientId'> & {
  readonly subjectType?: string
  readonly sectorIdentifier?: string
  readonly sectorIdentifierUri?: string
  readonly redirectUris?: readonly string[]
  readonly jwksUri?: string
}

/** Why the metadata of a pairwise client name no one sector, or undefined (OIDC Core §8.1). */
export function sectorMistake(
  client: Partial<Pick<ClientMetadata, 'subjectType' | 'sectorIdentifierUri' | 'redirectUris'>>,
): string | undefined {
  if (client.subjectType !== 'pairwise' || client.sectorIdentifierUri !== undefined) return undefined
  const hosts = new Set(client.redirectUris?.map((uri) => URL.parse(uri)?.host))
  return hosts.size > 1 ? 'redirects of several hosts need a sectorIdentifierUri' : undefined
}

/** Names that people have towards clients that must not recognise them together (OIDC Core §8.1). */
export type PairwiseSubjects = ReturnType<typeof createPairwiseSubjects>

export function createPairwiseSubjects(secrets: Secrets, tenantId: string, now: () => number) {
  const salt = secrets.deriveKey(`pairwise-subjects:${tenantId}`)
  const verified = new Map<string, number>()
  const keyOf = ({ sectorIdentifierUri, redirectUris, jwksUri }: SectorClient) =>
    hash('sha256', JSON.stringify([sectorIdentifierUri, redirectUris, jwksUri]), 'base64url')
  return {
    /** One name per sector and account: it can neither be reversed nor compared without the tenant's salt. */
    nameFor: (sector: string, accountId: string): string =>
      createHmac('sha256', salt)
        .update(JSON.stringify([sector, accountId]))
        .digest('base64url'),

    /** Whether the address has to be asked now (§8.1: its list names every redirect). A failure leaves the client unusable. */
    mustVerify: (client: SectorClient): boolean => (verified.get(keyOf(client)) ?? 0) <= now(),

    /** The library asked, and the list was good. */
    noteVerified(client: SectorClient): void {
      if (client.sectorIdentifierUri === undefined || (verified.get(keyOf(client)) ?? 0) > now()) return
      if (verified.size >= verifiedEntries) verified.clear()
      verified.set(keyOf(client), now() + verifiedMilliseconds)
    },
  }
}

/** Seam `pairwiseIdentifier`: the library asks for ID tokens, userinfo, introspection and JWT access tokens alike. */
export const pairwiseIdentifier =
  (subjects: PairwiseSubjects) =>
  async (_ctx: KoaContextWithOIDC, accountId: string, client: Client): Promise<string> => {
    const { sectorIdentifier } = client as SectorClient
    if (sectorIdentifier === undefined) throw new Error('oidc: a pairwise client without a sector')
    return subjects.nameFor(sectorIdentifier, accountId)
  }

/**
 * Who has acted, with the names that the client may know people by: what holds for `sub` holds for `act` (RFC 8693 §4.1). Undefined
 * if the chain names no person, or the client may know everybody.
 */
export function shownActors(subjects: PairwiseSubjects, client: Client | undefined, act: Actor): Actor | undefined {
  const { subjectType, sectorIdentifier } = (client ?? {}) as Partial<SectorClient>
  if (subjectType !== 'pairwise' || !namesPerson(act)) return undefined
  if (sectorIdentifier === undefined) throw new Error('oidc: a pairwise client without a sector')
  const shown = ({ sub, act: earlier, ...more }: Actor): Actor => ({
    sub: more.client_id === sub ? sub : subjects.nameFor(sectorIdentifier, sub),
    ...more,
    ...(earlier ? { act: shown(earlier) } : {}),
  })
  return shown(act)
}

const namesPerson = ({ sub, client_id: clientId, act }: Actor): boolean =>
  sub !== clientId || (act !== undefined && namesPerson(act))

const purposeOf = (tenantId: string, jti: string): string => `token-subject:${tenantId}:${jti}`

/** In an access token that shows a pairwise name, whom it is about is readable by us alone, and in that token alone. */
export const sealAccount = (secrets: Secrets, tenantId: string, of: { readonly jti: string; readonly sub: string }) =>
  secrets.seal(purposeOf(tenantId, of.jti), Buffer.from(of.sub))

export function openAccount(secrets: Secrets, tenantId: string, of: { readonly jti: string; readonly sealed: string }) {
  try {
    return Buffer.from(secrets.open(purposeOf(tenantId, of.jti), of.sealed)).toString('utf8')
  } catch (error) {
    if (error instanceof SecretError) return undefined
    throw error
  }
}
