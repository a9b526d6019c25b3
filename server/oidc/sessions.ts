import type { WebContext } from '../http/mount.ts'
import { cookieNames } from './configuration.ts'
import type { Exchanges } from './exchange.ts'
import type { TenantProvider } from './providers.ts'
import { levelOf } from './step-up.ts'

const sessionSeconds = 7 * 24 * 60 * 60

/**
 * Signs a browser in outside of an authorization request (the setup page). The session's row asks the gate, as every session does;
 * its id is new, whatever the browser came with (security.md row 5).
 */
export async function startSession(
  context: WebContext,
  { provider, tenant, isSecure }: TenantProvider,
  exchanges: Exchanges,
  signIn: { readonly accountId: string; readonly epoch: number; readonly grant: string },
): Promise<void> {
  const { accountId } = signIn
  exchanges.current().signIn = { ...signIn, deviceKnown: false }
  const session = new provider.Session()
  session.loginAccount({ accountId, acr: levelOf(['pwd']), amr: ['pwd'] })
  await session.save(sessionSeconds)
  const { cookies } = provider.createContext(context.req, context.res)
  cookies.secure = isSecure
  cookies.set(cookieNames(tenant.id, isSecure).session, session.jti, {
    httpOnly: true,
    sameSite: 'lax',
    secure: isSecure,
    signed: true,
    path: '/',
    overwrite: true,
    maxAge: sessionSeconds * 1_000,
  })
}
