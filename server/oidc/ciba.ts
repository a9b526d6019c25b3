import type { KoaContextWithOIDC } from 'oidc-provider'
import { parseEmail } from '../identity/identifiers.ts'
import type { Kit } from './hooks.ts'

const longestMessage = 64

/** What the library asks about a client that wants a person's word without a browser (CIBA Core §7). */
export const cibaHooks = ({ library, accounts, answering }: Kit) => ({
  enabled: true,
  deliveryModes: ['poll', 'ping'] as ('poll' | 'ping')[],

  /** An address that the person has proved to be theirs; the client learns no more than that there is nobody by it. */
  processLoginHint: (_ctx: KoaContextWithOIDC, hint: string): Promise<string | undefined> =>
    answering('token', async () => {
      const email = parseEmail(hint)
      if (!email) return undefined
      const found = await accounts.findForSignIn(email)
      return found?.isVerified && found.status === 'active' ? found.id : undefined
    }),

  processLoginHintToken: async (): Promise<never> => {
    throw new library.errors.InvalidRequest('login_hint_token is not supported, use login_hint or id_token_hint')
  },

  /** People have no codes of that kind: who sends one waits for a check that nobody makes. */
  verifyUserCode: async (_ctx: KoaContextWithOIDC, _account: unknown, userCode: string | undefined): Promise<void> => {
    if (userCode !== undefined) throw new library.errors.InvalidRequest('user_code is not supported')
  },

  /** Shown beside the client's name where the person decides (CIBA Core §7.1): short, and nothing that is not seen. */
  validateBindingMessage: async (_ctx: KoaContextWithOIDC, message: string | undefined): Promise<void> => {
    if (message === undefined || isPrintable(message)) return
    throw new library.errors.InvalidBindingMessage(`at most ${longestMessage} printable characters`)
  },

  validateRequestContext: async (_ctx: KoaContextWithOIDC, context: string | undefined): Promise<void> => {
    if (context !== undefined) throw new library.errors.InvalidRequest('request_context is not supported')
  },

  /** The request's row and its event were written together (`backchannel-requests.ts`): whoever reaches people reads that. */
  triggerAuthenticationDevice: async (): Promise<void> => {},
})

const isPrintable = (message: string): boolean =>
  [...message].length <= longestMessage && message.trim() !== '' && !/[\p{C}\p{Zl}\p{Zp}]/u.test(message)

/** A request object at this endpoint says when it was made, and who may use it how often (CIBA Core §7.1.1). */
export function missingSignedClaim(
  ctx: KoaContextWithOIDC,
  claims: { readonly [name: string]: unknown },
): string | undefined {
  if (ctx.oidc.route !== 'backchannel_authentication') return undefined
  return ['exp', 'iat', 'nbf', 'jti'].find((name) => claims[name] === undefined)
}
