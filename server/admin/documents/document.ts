import { z } from 'zod'
import type { JsonValue } from '../../decision/decision-point.ts'

/** In order of application: what a kind may name stands before it. Pruning goes the other way. */
export const kindNames = [
  'Tenant',
  'PolicySet',
  'Organization',
  'Role',
  'OpenidSettings',
  'TrustedIssuer',
  'InitialAccessToken',
  'Client',
  'User',
  'Entity',
  'Relation',
  'Assignment',
] as const
export type KindName = (typeof kindNames)[number]

/** `{kind, tenant?, name, spec}` (surface.md, CLI). */
export const documentShape = z.strictObject({
  kind: z.enum(kindNames),
  tenant: z.string().min(1).max(63).optional(),
  name: z.string().min(1).max(700),
  spec: z.record(z.string(), z.unknown()).default({}),
})
export type Document = z.infer<typeof documentShape>

/** What is wrong with a document, for its author: `pointer` into it, the line where the text is known. */
export type DocumentProblem = {
  readonly document: number
  readonly kind?: string
  readonly name?: string
  readonly pointer: string
  readonly code: string
  readonly message: string
  readonly file?: string
  readonly line?: number
  /** Of a policy: every diagnostic; of a failing test: what it expected. */
  readonly details?: readonly JsonValue[]
}

export type MemberChange = { readonly member: string; readonly from?: JsonValue; readonly to?: JsonValue }
export type DocumentResult = 'created' | 'changed' | 'unchanged'

/** How documents are named in answers: `User/alice`, `acme:User/alice` in another tenant than the caller's. */
export const labelOf = ({ kind, name, tenant }: Pick<Document, 'kind' | 'name' | 'tenant'>): string =>
  `${tenant === undefined ? '' : `${tenant}:`}${kind}/${name}`

/** Members that differ; absent and undefined are the same. */
export function diffMembers(
  from: { readonly [name: string]: unknown },
  to: { readonly [name: string]: unknown },
): MemberChange[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort()
  return names
    .filter((name) => canonical(from[name]) !== canonical(to[name]))
    .map((member) => ({
      member,
      // Specs are JSON: they came from it or go to it.
      ...(from[member] === undefined ? {} : { from: from[member] as JsonValue }),
      ...(to[member] === undefined ? {} : { to: to[member] as JsonValue }),
    }))
}

/** Order of members says nothing. */
export function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === 'bigint') return `${member}n`
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    return Object.fromEntries(Object.entries(member).sort(([one], [other]) => (one < other ? -1 : 1)))
  })
}
