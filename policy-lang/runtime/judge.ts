import type { Value } from '../ir/nodes.ts'
import type { Layer, Program, Rule } from '../ir/program.ts'
import type { Cause, Decision } from './decision.ts'
import { fieldTree, openedBy } from './fields.ts'

/** What the rules of one partition said: indexes into the `rules` that are judged, ascending, each once. */
export type Counted = {
  readonly allows: readonly number[]
  readonly denies: readonly number[]
  readonly errors: readonly { readonly rule: number; readonly cause: Cause }[]
  readonly degraded: readonly number[]
}
export type AdviceArguments = (rule: Rule) => Decision['advice']

/** From counting rules to the decision (SPEC 5, Decision, Fields, Advice; SPEC 6, sealed). */
export function judge(
  program: Pick<Program, 'rules' | 'entityTypes'>,
  resourceType: string,
  counted: Counted,
  advise: AdviceArguments,
): Decision {
  const rules = (indexes: readonly number[]) => indexes.flatMap((index) => program.rules[index] ?? [])
  const denies = rules(counted.denies)
  const refusing = denies.filter((rule) => rule.fields === undefined)
  const masking = denies.filter((rule) => rule.fields !== undefined)
  const allows = rules(counted.allows)
  const surviving = allows.filter((rule) => !refusing.some((deny) => countsAgainst(deny, rule)))
  const found = {
    errors: counted.errors.map(({ rule, cause }) => ({ rule: program.rules[rule]?.id ?? '', cause })),
    degraded: rules(counted.degraded).map((rule) => rule.id),
  }
  if (surviving.length === 0) {
    return { decision: false, reasons: refusing.map((rule) => rule.id), ...found, ...consolation(refusing, advise) }
  }
  const tree = fieldTree(program, resourceType)
  const reasons = surviving.map((rule) => rule.id)
  const opened = { decision: true, reasons, ...found, advice: [], texts: [] }
  if (tree.leaves.length === 0) return opened
  const open = new Set(
    surviving.flatMap((rule) => {
      const masks = masking.filter((deny) => countsAgainst(deny, rule))
      return openedBy(
        tree,
        rule.fields && (rule.fields[resourceType] ?? []),
        masks.map((deny) => deny.fields?.[resourceType] ?? []),
      )
    }),
  )
  if (open.size > 0) return { ...opened, fields: tree.shorten(open) }
  const took = masking.map((rule) => rule.id)
  return { decision: false, reasons: took, ...found, ...consolation(masking, advise), code: 'no-fields' }
}

/** A whole-decision deny for a reason that no rule gave. */
export const refusal = (code: string): Decision => ({
  decision: false,
  reasons: [],
  errors: [],
  degraded: [],
  advice: [],
  texts: [],
  code,
})

/** Denies of lower layers do not count against a sealed allow (SPEC 6). */
export const countsAgainst = (deny: Rule, allow: Rule): boolean =>
  !allow.sealed || height[deny.layer] >= height[allow.layer]
const height: { readonly [layer in Layer]: number } = { platform: 3, module: 2, tenant: 1, organization: 0 }

/** Advice only if every counting deny carries some: else the person steps up for nothing (SPEC 5). */
function consolation(denies: readonly Rule[], advise: AdviceArguments): Pick<Decision, 'advice' | 'texts'> {
  const texts = denies.flatMap((rule) => rule.because ?? [])
  const helps = denies.length > 0 && denies.every((rule) => rule.advise.length > 0)
  return { texts, advice: helps ? denies.flatMap(advise) : [] }
}

/** Arguments that are literals need no evaluation; undefined if one is not. */
export function literalAdvice(rule: Rule): Decision['advice'] | undefined {
  const advice: { name: string; args: { [name: string]: Value } }[] = []
  for (const { name, args } of rule.advise) {
    const values: { [name: string]: Value } = {}
    for (const [argument, expr] of Object.entries(args)) {
      if (expr.kind !== 'literal') return undefined
      values[argument] = expr.value
    }
    advice.push({ name, args: values })
  }
  return advice
}
