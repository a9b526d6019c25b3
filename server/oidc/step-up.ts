import type { KoaContextWithOIDC, interactionPolicy as Policies } from 'oidc-provider'
import type { StrongerSignIn } from '../issuance/stronger-sign-in.ts'
import type { Library } from './library.ts'
import type { RefusalStage } from './protocol-errors.ts'

/** From weak to strong (people.md §3); the language's `Acr` has the same names in the same order. */
const levels = ['pwd', 'mfa', 'phr', 'phrh'] as const
type Level = (typeof levels)[number]

/**
 * THE TABLE of what a person can prove here, with the level that a session has by that evidence. A level that no row reaches is
 * neither listed in discovery nor promised: who insists on it is told so at once, before anybody is asked for a password in vain.
 */
const evidence = [{ amr: ['pwd'], acr: 'pwd' }] as const satisfies readonly {
  readonly amr: readonly string[]
  readonly acr: Level
}[]

export const reachableLevels: readonly Level[] = levels.filter((level) => evidence.some(({ acr }) => acr === level))

/** All that may be asked of the person (Initiating User Registration 1.0 §4 would add `create`: nobody registers by a page here). */
export const promptValues = ['none', 'login', 'consent', 'select_account'] as const

/** What a proof is worth; the sign-in results take it from here and from nowhere else. */
export function levelOf(amr: readonly string[]): Level {
  const met = evidence.filter((row) => row.amr.every((method) => amr.includes(method))).map(({ acr }) => acr)
  const best = levels.findLast((level) => met.some((acr) => acr === level))
  if (best === undefined) throw new Error(`oidc: no level for ${amr.join(' ')}`)
  return best
}

type AskedLevels = { readonly values: readonly string[]; readonly isEssential: boolean }
type AcrRequest = { readonly essential?: unknown; readonly value?: unknown; readonly values?: unknown } | null

/**
 * What the client wants of the sign-in: essential in the `claims` parameter (OIDC Core §5.5.1.1), else `acr_values`, a wish
 * (§3.1.2.1).
 */
function askedLevels({ oidc }: KoaContextWithOIDC): AskedLevels {
  const { params, claims } = oidc
  const request = (claims as { readonly id_token?: { readonly acr?: AcrRequest } } | undefined)?.id_token?.acr
  if (request?.essential === true) {
    const values = Array.isArray(request.values) ? request.values : request.value === undefined ? [] : [request.value]
    if (values.length > 0) return { values: values.map(String), isEssential: true }
  }
  const { acr_values: wished } = params ?? {}
  return { values: typeof wished === 'string' ? wished.split(' ').filter(Boolean) : [], isEssential: false }
}

/**
 * The library's prompts, with what it leaves out: it would ask for a sign-in again and again where none can reach the essential
 * level, and it passes over `acr_values`.
 */
export function interactionPolicyOf({ interactionPolicy, errors }: Library): Policies.DefaultPolicy {
  const { Check, Prompt, base } = interactionPolicy
  const policy = base()
  const check = new Check(
    'level_of_sign_in',
    'a stronger sign-in is required',
    'login_required',
    (ctx: KoaContextWithOIDC) => {
      const { values, isEssential } = askedLevels(ctx)
      const known = values.filter(isLevel)
      // A wish for levels of some other server's is none that could be met or missed (OIDC Core §3.1.2.1).
      const counts = isEssential ? values.length > 0 : known.length > 0
      if (!counts) return Check.NO_NEED_TO_PROMPT
      // OpenID Connect Core Error Code unmet_authentication_requirements 1.0 §2; RFC 9470 §5.
      if (!known.some((level) => reachableLevels.includes(level)))
        throw new errors.UnmetAuthenticationRequirements(`acr can be ${reachableLevels.join(' or ')} here`)
      const { acr } = ctx.oidc
      const isMet = isEssential ? known.some((level) => level === acr) : rank(acr) >= Math.min(...known.map(rank))
      if (isMet) return Check.NO_NEED_TO_PROMPT
      if (isEssential && ctx.oidc.result?.login)
        throw new errors.UnmetAuthenticationRequirements(`the sign-in reached ${acr ?? 'no level'}`)
      return ctx.oidc.result?.login ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT
    },
  )
  policy.get('login')?.checks.add(check, 0)
  // OIDC Core §3.1.2.1: the person says who it is, whoever has signed in before.
  policy.add(new Prompt({ name: 'select_account', requestable: true }), 0)
  return policy
}

const isLevel = (value: unknown): value is Level => levels.some((level) => level === value)
/** −1 for what is no level of ours. */
const rank = (level: unknown): number => levels.indexOf(level as Level)

/**
 * The rules want a better sign-in than the one that stands behind this request. Whoever can send the person back is told to; where
 * no sign-in here is as good, nobody is sent in a circle. At the token endpoint the words are those that an API uses (RFC 9470 §3).
 */
export function strongerSignInError(
  { errors }: Library,
  { acr, maxAgeSeconds }: StrongerSignIn,
  { stage, cause }: { readonly stage: RefusalStage; readonly cause: Error },
): Error {
  const words = [
    ...(acr === undefined ? [] : [`acr_values=${acr}`]),
    ...(maxAgeSeconds === undefined ? [] : [`max_age=${maxAgeSeconds}`]),
  ].join(' ')
  const isReachable = acr === undefined || reachableLevels.some((level) => rank(level) >= rank(acr))
  if (stage === 'authorize') {
    return isReachable
      ? new errors.LoginRequired(`sign in again with ${words}`, { cause })
      : new errors.UnmetAuthenticationRequirements(`acr can be ${reachableLevels.join(' or ')} here`, { cause })
  }
  const error = new errors.CustomOIDCProviderError('insufficient_user_authentication', `sign in again with ${words}`)
  return Object.assign(error, { cause })
}
