import { decodeJwt, type JWTPayload } from 'jose'
import type { Database } from '../../adapters/database/port.ts'
import { scopesOf } from '../identity/entities.ts'
import type { SeenEpochs } from '../issuance/issue.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { AccessTokens } from './access-tokens.ts'
import { parse } from './families.ts'
import type { Actor } from './mint-access-token.ts'
import type { Via } from './token-claims.ts'

export const tokenTypes = {
  access: 'urn:ietf:params:oauth:token-type:access_token',
  id: 'urn:ietf:params:oauth:token-type:id_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
  idJag: 'urn:ietf:params:oauth:token-type:id-jag',
} as const

/** For whom a token is exchanged, and what it may be used for. */
export type Subject = {
  readonly accountId: string
  readonly notAfter: number
  readonly epochs: SeenEpochs
  /** Scopes of the token; absent where it has none, and the person's consent decides. */
  readonly scopes?: readonly string[]
  /** Digest of the grant that it hangs on; absent where there is none yet. */
  readonly grant?: string
  readonly via?: readonly Via[]
  readonly clientId?: string
  /** It is of use only with a key; what is made of it is too. */
  readonly isBound?: boolean
  readonly act?: Actor
  readonly mayAct?: unknown
  readonly acr?: string
  readonly amr?: string[]
  readonly authTime?: number
  /** As the ID token told the client. */
  readonly email?: { readonly address: string; readonly isVerified: boolean }
}

/** A person's token of ours that is good now. A client's own token speaks for nobody else. */
export async function subjectOfAccessToken(
  accessTokens: AccessTokens,
  tenant: Tenant,
  text: string,
): Promise<Subject | undefined> {
  const token = await accessTokens.read(tenant, text)
  if (!token || token.sub === token.client_id || token.writ.gr === undefined) return undefined
  const [tenantEpoch, clientEpoch, account] = token.writ.ep
  return {
    accountId: token.sub,
    notAfter: token.exp,
    epochs: { tenant: tenantEpoch, account },
    scopes: scopesOf(token.scope),
    grant: token.writ.gr,
    via: [...(token.writ.via ?? []), [token.client_id, clientEpoch, token.jti]],
    clientId: token.client_id,
    isBound: token.cnf !== undefined,
    ...(token.act ? { act: token.act } : {}),
    ...(token.may_act !== undefined ? { mayAct: token.may_act } : {}),
    ...signInOf(token),
  }
}

const signInOf = ({ acr, amr, auth_time: authTime }: JWTPayload) => ({
  ...(typeof acr === 'string' ? { acr } : {}),
  ...(Array.isArray(amr) ? { amr: amr.filter((method) => typeof method === 'string') } : {}),
  ...(typeof authTime === 'number' ? { authTime } : {}),
})

/**
 * An ID token of ours, given to this very client, while the sign-in that it tells of goes on: it carries no epoch of its own, so the
 * session's is the evidence (security.md row 16).
 */
export async function subjectOfIdToken(
  kit: {
    readonly database: Database
    readonly now: number
    /** Signature, issuer, audience and time. */
    readonly verify: (text: string, clientId: string) => Promise<boolean>
  },
  { tenantId, clientId, text }: { readonly tenantId: string; readonly clientId: string; readonly text: string },
): Promise<Subject | undefined> {
  if (!(await kit.verify(text, clientId))) return undefined
  const { sub = '', exp = 0, sid, ...claims } = decodeJwt(text)
  const sessions = await kit.database.query<SessionRow>(sessionStatement, [tenantId, sub, new Date(kit.now)])
  const session = sessions.find(({ payload }) => {
    const state = parse(payload).authorizations?.[clientId]
    return state !== undefined && (sid === undefined || state.sid === sid)
  })
  if (!session) return undefined
  const epochs = { account: Number(session.account_epoch), tenant: Number(session.tenant_epoch) }
  const { email: address, email_verified: isVerified } = claims
  const email = typeof address === 'string' ? { email: { address, isVerified: isVerified === true } } : {}
  return { accountId: sub, notAfter: exp, epochs, clientId, ...signInOf(claims), ...email }
}

type SessionRow = { readonly payload: string; readonly account_epoch: string; readonly tenant_epoch: string }

const sessionStatement = {
  name: 'oidc_session-of-account',
  text: `select s.payload, s.account_epoch, s.tenant_epoch from oidc_session s
where s.tenant_id = $1 and s.account_id = $2 and s.expires_at > $3 order by s.created_at desc limit 100`,
}
