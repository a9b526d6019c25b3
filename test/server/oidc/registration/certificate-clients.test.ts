// Clients that register themselves with a certificate (RFC 8705 §2.1.2, RFC 7591 §2).
import { expect, test } from '@jest/globals'
import { requireServable } from '../../../../server/oidc/registration/judge-client.ts'
import { readMetadata, writeMetadata } from '../../../../server/oidc/registration/read-metadata.ts'
import { termsSchema } from '../../../../server/oidc/registration/terms.ts'

const wire = {
  redirect_uris: ['https://app.example/cb'],
  token_endpoint_auth_method: 'tls_client_auth',
  tls_client_auth_san_dns: 'app.example',
  tls_client_certificate_bound_access_tokens: true,
}
const terms = termsSchema.parse({})

test('what it says of its certificate is read, and said back by the same names', () => {
  const candidate = readMetadata(wire, terms)
  requireServable(candidate)
  expect(writeMetadata({ id: 'app', ...candidate, createdAt: 0 })).toMatchObject(wire)
})

test('without a subject, or with two, it could never authenticate', () => {
  const { tls_client_auth_san_dns: _left, ...bare } = wire
  expect(() => requireServable(readMetadata(bare, terms))).toThrow()
  expect(() => requireServable(readMetadata({ ...wire, tls_client_auth_san_uri: 'urn:app' }, terms))).toThrow()
})
