import type { EntityValue, Expr } from '../../ir/nodes.ts'
import { walk } from '../../ir/walk.ts'
import { evaluate } from '../../runtime/evaluate.ts'
import { anyOf, isTrue, type Outcome } from '../../runtime/outcome.ts'
import { conditionText, shownText } from './condition-text.ts'
import type { About, ExplainedCondition, ExplainedRule, NeededChange, Truth } from './explanation.ts'
import { type Atom, atomsIn, decisiveAtoms, judgeFormula } from './formula.ts'
import type { Asked, JudgedRule } from './judge-rules.ts'
import type { Changes } from './near-miss.ts'
import { traceRelation } from './relation-trace.ts'
import { shownValues } from './show-values.ts'

/** One rule with every atomic condition, its truth and the values that it read. */
export function explainRule({ rule, ways }: JudgedRule, asked: Asked): ExplainedRule {
  const outcome = anyOf(ways.map(({ formula }) => judgeFormula(formula, () => undefined)))
  const decisive = new Set(ways.flatMap(({ formula }) => [...decisiveAtoms(formula)]))
  const conditions = atomsIn(ways.map(({ formula }) => formula)).map((atom) =>
    explainAtom(atom, decisive.has(atom.key), asked),
  )
  const through = ways.map(({ as }) => as).find((as) => as !== asked.request.action)
  return {
    id: rule.id,
    effect: rule.effect,
    counts: isTrue(outcome) || (rule.effect === 'deny' && outcome.kind === 'error'),
    ...truthOf(outcome),
    ...(rule.effect === 'deny' && rule.fields ? { isMasking: true as const } : {}),
    ...(through === undefined ? {} : { through }),
    ...(rule.because === undefined ? {} : { because: rule.because }),
    builtIn: rule.builtIn,
    span: asked.locate(rule.span),
    conditions,
  }
}

/** Changes for people, those that the caller can make first. */
export function explainChanges(changes: Changes, { action }: Pick<Asked, 'action'>): readonly NeededChange[] {
  return [...changes]
    .map(([atom, wanted]) => ({
      text: shownText(conditionText(atom.expr)),
      wanted,
      about: aboutOf(atom.expr),
      values: shownValues(atom, action.context),
    }))
    .sort((a, b) => order.indexOf(a.about) - order.indexOf(b.about) || (a.text < b.text ? -1 : 1))
}

/** What would have to change for a condition to turn, the easiest for a caller (SPEC 7.4: context first). */
export function aboutOf(expr: Expr): About {
  const found = new Set<About>()
  walk(expr, (node) => {
    if (node.kind === 'holds' || node.kind === 'permitted') found.add('relation')
    if (node.kind === 'in' && node.mode === 'hierarchy') found.add('relation')
    // Time passes by itself: a caller cannot send it.
    const isContext = node.kind === 'attribute' && node.of.kind === 'variable' && node.of.name === 'context'
    if (isContext && node.name !== 'now' && node.name !== 'tenant') found.add('context')
    if (node.kind !== 'variable' || node.scope !== 'request') return
    if (node.name === 'subject' || node.name === 'resource') found.add(node.name)
  })
  if (found.has('relation')) return 'relation'
  return order.find((about) => found.has(about)) ?? 'resource'
}
const order: readonly About[] = ['context', 'subject', 'resource', 'relation']

function explainAtom(atom: Atom, isDecisive: boolean, { action, locate }: Asked): ExplainedCondition {
  const { expr, outcome } = atom
  const relation = expr.kind === 'holds' ? traceOf(expr, atom) : undefined
  return {
    text: shownText(conditionText(expr)),
    ...truthOf(outcome),
    isDecisive,
    about: aboutOf(expr),
    values: shownValues(atom, action.context),
    ...(relation ? { relation } : {}),
    span: locate(expr.span),
  }
}

function traceOf(expr: Expr & { readonly kind: 'holds' }, { env }: Atom): ExplainedCondition['relation'] {
  const [subject, of] = [entityOf(evaluate(expr.subject, env)), entityOf(evaluate(expr.of, env))]
  return subject && of ? traceRelation(env, subject, expr.relation, of) : undefined
}

const entityOf = (outcome: Outcome): EntityValue | undefined =>
  outcome.kind === 'value' && typeof outcome.value === 'object' && outcome.value.kind === 'entity'
    ? outcome.value
    : undefined

function truthOf(outcome: Outcome): { readonly outcome: Truth } & Pick<ExplainedCondition, 'cause'> {
  if (outcome.kind === 'error') return { outcome: 'error', cause: outcome.cause }
  return { outcome: isTrue(outcome) ? 'true' : 'false' }
}
