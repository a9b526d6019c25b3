import type { ClientMetadata } from '../client-metadata.ts'

/** What RFC 7591 §2 and its kin call a member: `redirectUris` is `redirect_uris`. */
export const wireName = (member: string): string => member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The named members under their registered names; what is absent stays away. */
export function wireMembers(
  metadata: Partial<ClientMetadata>,
  members: readonly (keyof ClientMetadata)[],
): { [name: string]: unknown } {
  return Object.fromEntries(
    members.flatMap((member) =>
      metadata[member] === undefined ? [] : [[wireName(member), metadata[member]] as const],
    ),
  )
}
