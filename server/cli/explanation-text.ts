import {
  type ExplainedCondition,
  type ExplainedRule,
  type Explanation,
  type FullExplanation,
  type NearMiss,
  type PlanExplanation,
  type RelationEdge,
  type Request,
  type ShownValue,
  type Span,
  writeAdvice,
  writeJson,
} from '../../policy-lang/index.ts'
import { placesIn } from '../decision/rule-places.ts'
import type { World } from './world.ts'

type Paint = (style: keyof typeof styles, text: string) => string
type Writing = { readonly paint: Paint; readonly place: (span: Span) => string }

/** An explanation for a person, one thing a line. */
export function explanationText(
  explanation: Explanation,
  about: { readonly request: Request; readonly world: Pick<World, 'program' | 'sources'>; readonly color: boolean },
): string {
  const { request, world } = about
  const places = placesIn(world.sources)
  const writing: Writing = {
    paint: painter(about.color),
    place: (span) => Object.values(places(span)).join(':'),
  }
  const isAllowed = explanation.audience === 'full' ? explanation.decision.decision : explanation.allowed
  const told = explanation.audience === 'full' ? explanation.decision : explanation
  const verdict = writing.paint(isAllowed ? 'allow' : 'deny', isAllowed ? 'allowed' : 'denied')
  const lines = [
    `${verdict}: ${request.action} on ${uid(request.resource)} by ${uid(request.subject)}`,
    ...told.texts.map((text) => `  ${text}`),
    ...told.advice.map(
      ({ name, args }) => `  advice: ${name} ${writeJson(argumentsOf(writeAdvice(world.program, [{ name, args }])))}`,
    ),
    ...(explanation.audience === 'full'
      ? fullLines(explanation, writing)
      : explanation.nearMisses.flatMap((miss) => ['', ...missLines(miss, writing)])),
  ]
  return `${lines.join('\n')}\n`
}

/** What the index does, in words (SPEC 7). */
export function planText(plan: PlanExplanation | null, color: boolean): string {
  const paint = painter(color)
  if (!plan) return `${paint('strong', 'plan')}\n  the policies have no such action or subject type\n`
  const lines = [
    paint('strong', `plan: ${plan.rules} rule${plan.rules === 1 ? '' : 's'}`),
    ...plan.lines.map((line) => `  ${line}`),
    ...plan.notIndexed.map(({ rule, reason }) => `  not indexed: ${rule}: ${reason}`),
  ]
  return `${lines.join('\n')}\n`
}

function fullLines({ decision, remarks, rules, nearMiss }: FullExplanation, writing: Writing): readonly string[] {
  const shown = (effect: ExplainedRule['effect'], counts: boolean) =>
    rules.filter((rule) => rule.effect === effect && rule.counts === counts)
  const group = (title: string, found: readonly ExplainedRule[]) => {
    if (found.length === 0) return []
    const told = found.slice(0, rulesTold).flatMap((rule) => ruleLines(rule, writing))
    const rest = found.length > rulesTold ? [`  … and ${found.length - rulesTold} more; --format json tells all`] : []
    return ['', writing.paint('strong', title), ...told, ...rest]
  }
  return [
    ...remarks.map((remark) => `  ${remark}`),
    ...(decision.fields ? [`  fields: ${decision.fields.join(', ')}`] : []),
    ...(decision.degraded.length > 0 ? [`  degraded: ${decision.degraded.join(', ')}`] : []),
    ...group('rules that deny', shown('deny', true)),
    ...group('rules that allow', shown('allow', true)),
    ...group('rules that could allow', nearestFirst(shown('allow', false))),
    ...(nearMiss ? ['', ...missLines(nearMiss, writing)] : []),
  ]
}

/** A person reads no more than these of a kind. */
const rulesTold = 20

/** Those that lack the least; among them by id. */
function nearestFirst(rules: readonly ExplainedRule[]): readonly ExplainedRule[] {
  const lacks = (rule: ExplainedRule) => rule.conditions.filter(({ isDecisive }) => isDecisive).length
  return [...rules].sort((a, b) => lacks(a) - lacks(b))
}

function ruleLines(rule: ExplainedRule, { paint, place }: Writing): readonly string[] {
  const through = rule.through === undefined ? '' : ` through "${rule.through}"`
  const where = rule.builtIn ? 'built in' : place(rule.span)
  const masks = rule.isMasking ? ', takes fields' : ''
  return [
    `  ${paint(rule.effect, rule.effect)} "${rule.id}"${through}${masks}  ${paint('dim', where)}`,
    ...rule.conditions.filter(({ isDecisive }) => isDecisive).flatMap((condition) => conditionLines(condition, paint)),
  ]
}

function conditionLines(condition: ExplainedCondition, paint: Paint): readonly string[] {
  const { text, outcome, cause, values, relation } = condition
  const why = cause ? ` (${cause.code}${cause.path === undefined ? '' : ` ${cause.path}`})` : ''
  return [
    `    ${paint(outcome === 'true' ? 'allow' : 'deny', outcome)}${why}: ${text}`,
    ...values.map((shown) => `      ${valueText(shown)}`),
    ...(relation?.path ?? []).map((edge) => `      ${edgeText(edge)}`),
    ...(relation?.lapsed ?? []).map((edge) => `      does not count: ${edgeText(edge)}`),
  ]
}

function missLines({ changes, decision, isSmallest }: NearMiss, { paint }: Writing): readonly string[] {
  const smallest = isSmallest ? 'the least that would' : 'what would'
  return [
    paint('strong', `${smallest} make it ${decision ? 'allowed' : 'denied'}`),
    ...changes.flatMap(({ text, wanted, values }) => [
      `  ${wanted ? '' : 'not '}${wanted ? text : `(${text})`}`,
      ...values.map((shown) => `    ${valueText(shown)}`),
    ]),
  ]
}

function valueText(shown: ShownValue): string {
  switch (shown.kind) {
    case 'value':
      return `${shown.path} = ${writeJson(shown.value)}`
    case 'masked':
      return `${shown.path} is masked`
    case 'absent':
      return `${shown.path} is absent`
    case 'error':
      return `${shown.path} fails: ${shown.cause.code}`
  }
}

function edgeText({ resource, relation, subject, until, condition, kind }: RelationEdge): string {
  const more = `${until === undefined ? '' : ` until ${until}`}${condition === undefined ? '' : ` if ${condition}`}`
  return kind === 'attribute'
    ? `${resource}.${relation} is ${subject}`
    : `${subject} is ${relation} of ${resource}${more}`
}

const argumentsOf = (advice: ReturnType<typeof writeAdvice>) => {
  const [only] = Array.isArray(advice) ? advice : []
  return typeof only === 'object' && only !== null && 'args' in only ? only.args : {}
}

const uid = ({ type, id }: Request['resource']): string =>
  type === 'Anonymous' ? 'anonymous' : `${type}::${JSON.stringify(id)}`

const styles = { allow: '32', deny: '31', strong: '1', dim: '2' }
const painter =
  (color: boolean): Paint =>
  (style, text) =>
    color ? `\u001b[${styles[style]}m${text}\u001b[0m` : text
