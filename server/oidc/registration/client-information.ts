import type { StoredClient } from '../../admin/client-store.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import { writeMetadata } from './read-metadata.ts'
import type { Registration } from './registered-clients.ts'
import type { Statement } from './software-statements.ts'

/** What the client is told, in the words of RFC 7591 §3.2.1. */
export type ClientInformation = { readonly [name: string]: unknown }

export function informationOf(
  { tenant }: RequestScope,
  client: StoredClient,
  more: {
    readonly managementToken: string
    readonly secret?: string | undefined
    readonly softwareStatement?: string
  },
): ClientInformation {
  return {
    ...writeMetadata(client),
    ...(more.secret === undefined ? {} : { client_secret: more.secret, client_secret_expires_at: 0 }),
    ...(more.softwareStatement === undefined ? {} : { software_statement: more.softwareStatement }),
    registration_access_token: more.managementToken,
    registration_client_uri: `${tenant.issuer}/oauth2/register/${client.id}`,
  }
}

export const textOf = (
  statement: Statement | Registration | undefined,
): { readonly softwareStatement: string } | Record<never, never> => {
  const text = statement && ('text' in statement ? statement.text : statement.softwareStatement)
  return text === undefined ? {} : { softwareStatement: text }
}
