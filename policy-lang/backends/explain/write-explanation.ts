import type { Program } from '../../ir/program.ts'
import type { Cause, Decision } from '../../runtime/decision.ts'
import type { Json } from '../../runtime/strict-json.ts'
import { writeValue } from '../../runtime/write-value.ts'
import type { Span } from '../../source/span.ts'
import type {
  ExplainedCondition,
  ExplainedRule,
  Explanation,
  NearMiss,
  RelationEdge,
  ShownValue,
} from './explanation.ts'

type Fields = { readonly [name: string]: Json }
/** Where a span is in words; without one the places are left out. */
export type PlaceOf = (span: Span) => Fields

/** An explanation as JSON, for the command line and the admin API. */
export function writeExplanation(program: Program, explanation: Explanation, placeOf: PlaceOf = () => ({})): Fields {
  if (explanation.audience === 'caller') {
    const { allowed, texts, advice, nearMisses } = explanation
    return { decision: allowed, texts, advice: writeAdvice(program, advice), nearMisses: nearMisses.map(writeMiss) }
  }
  const { decision, remarks, rules, nearMiss } = explanation
  return {
    decision: decision.decision,
    reasons: decision.reasons,
    errors: decision.errors.map(({ rule, cause }) => ({ rule, cause: writeCause(cause) })),
    degraded: decision.degraded,
    ...(decision.fields ? { fields: decision.fields } : {}),
    texts: decision.texts,
    advice: writeAdvice(program, decision.advice),
    ...(decision.code === undefined ? {} : { code: decision.code }),
    remarks,
    rules: rules.map((rule) => writeRule(rule, placeOf)),
    ...(nearMiss ? { nearMiss: writeMiss(nearMiss) } : {}),
  }
}

export const writeAdvice = (program: Program, advice: Decision['advice']): Json =>
  advice.map(({ name, args }) => ({
    name,
    args: Object.fromEntries(
      Object.entries(args).map(([argument, value]) => [
        argument,
        writeValue(value, program.advice.get(name)?.params[argument]?.type),
      ]),
    ),
  }))

function writeRule(rule: ExplainedRule, placeOf: PlaceOf): Json {
  const { span, conditions, cause, ...plain } = rule
  return {
    ...plain,
    ...(cause ? { cause: writeCause(cause) } : {}),
    ...(rule.builtIn ? {} : placeOf(span)),
    conditions: conditions.map((condition) => writeCondition(condition, rule.builtIn ? () => ({}) : placeOf)),
  }
}

function writeCondition(condition: ExplainedCondition, placeOf: PlaceOf): Json {
  const { span, values, cause, relation, ...plain } = condition
  return {
    ...plain,
    ...(cause ? { cause: writeCause(cause) } : {}),
    values: values.map(writeShown),
    ...(relation ? { relation: { path: relation.path.map(writeEdge), lapsed: relation.lapsed.map(writeEdge) } } : {}),
    ...placeOf(span),
  }
}

function writeShown(shown: ShownValue): Json {
  const { path } = shown
  switch (shown.kind) {
    case 'value':
      return { path, value: shown.value }
    case 'masked':
      return { path, masked: true }
    case 'absent':
      return { path, absent: true }
    case 'error':
      return { path, error: writeCause(shown.cause) }
  }
}

const writeMiss = ({ changes, decision, isSmallest }: NearMiss): Json => ({
  decision,
  isSmallest,
  changes: changes.map(({ text, wanted, about, values }) => ({ text, wanted, about, values: values.map(writeShown) })),
})

const writeEdge = (edge: RelationEdge): Json => ({ ...edge })
const writeCause = ({ code, path }: Cause): Json => (path === undefined ? { code } : { code, path })
