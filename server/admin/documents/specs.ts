import { z } from 'zod'
import { clientMetadataSchema } from '../../oidc/client-metadata.ts'
import { initialTokenSpec } from '../../oidc/registration/initial-tokens.ts'
import { openidSettingsSchema } from '../../oidc/registration/openid-settings.ts'
import { trustedIssuerSpec } from '../../oidc/trusted-issuers.ts'
import { clientId } from '../client-routes.ts'
import { entityBody } from '../entity-routes.ts'
import { organizationId, organizationSpec } from '../organization-routes.ts'
import { policyFiles } from '../policy-routes.ts'
import { roleSpec } from '../role-routes.ts'
import { tenantSpec } from '../tenant-routes.ts'
import { entityShape, subjectInput, tupleInput, until } from '../tuple-shapes.ts'
import type { KindName } from './document.ts'

const secret = z.string().min(16).max(1_000)
const locale = z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)

/** What a document's `spec` holds, by kind, once the command line has put in secrets and files. Unknown members are mistakes. */
export const specs = {
  Tenant: tenantSpec,
  PolicySet: z.strictObject({ files: policyFiles }),
  Organization: organizationSpec.extend({
    name: z.string().min(1).max(200).optional(),
    parent: organizationId.optional(),
  }),
  Role: roleSpec.extend({ on: z.string().min(1).max(200) }),
  OpenidSettings: openidSettingsSchema,
  TrustedIssuer: trustedIssuerSpec,
  InitialAccessToken: initialTokenSpec,
  Client: clientMetadataSchema.extend({
    clientId: clientId.optional(),
    clientSecret: secret.optional(),
    name: z.string().min(1).max(200).optional(),
    firstParty: z.boolean().default(false),
    status: z.enum(['active', 'disabled']).default('active'),
    organization: organizationId.optional(),
  }),
  User: z.strictObject({
    email: z.string().min(3).max(254),
    emailVerified: z.boolean().default(false),
    password: z.string().max(1_000).optional(),
    claims: z.record(z.string().min(1).max(100), z.json()).optional(),
    locale: locale.optional(),
    status: z.enum(['active', 'disabled']).default('active'),
  }),
  Entity: entityBody,
  Relation: tupleInput,
  Assignment: z.strictObject({
    subject: subjectInput,
    role: z.string().min(1).max(100),
    on: entityShape,
    until: until.optional(),
    reason: z.string().max(500).optional(),
  }),
} as const satisfies { readonly [K in KindName]: z.ZodType }

export type Specs = { readonly [K in KindName]: z.infer<(typeof specs)[K]> }

/** Members that the command line fills in from the environment of whoever runs it, never the server from its own. */
export const secretMembers: { readonly [kind: string]: string } = { Client: 'clientSecret', User: 'password' }
