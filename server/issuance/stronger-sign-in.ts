import type { Refusal } from '../http/refusal.ts'

/** The sign-in that would turn a no into a yes (RFC 9470 §3). */
export type StrongerSignIn = { readonly acr?: string; readonly maxAgeSeconds?: number }

type Advice = readonly { readonly name: string; readonly args: { readonly [name: string]: unknown } }[]

/** What the rules advise with their no, if it is another sign-in. */
export function strongerSignIn(advice: Advice): StrongerSignIn | undefined {
  const found = advice.find(({ name }) => name === 'stepUp') ?? advice.find(({ name }) => name === 'reauthenticate')
  if (!found) return undefined
  const { acr, maxAge } = found.args
  return {
    ...(typeof acr === 'string' ? { acr } : {}),
    ...(maxAge === undefined ? {} : { maxAgeSeconds: Math.floor(Number(maxAge) / 1_000) }),
  }
}

/** As the gate put it into its refusal. */
export const neededSignIn = ({ kind, options }: Refusal): StrongerSignIn | undefined =>
  // The gate alone throws this code, with these members.
  kind.code === 'stronger_sign_in_needed' ? ((options.members ?? {}) as StrongerSignIn) : undefined
