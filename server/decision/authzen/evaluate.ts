import { type Request, writeValue } from '../../../policy-lang/index.ts'
import { errors as httpErrors } from '../../http/errors.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import type { Ask, Asked } from '../ask.ts'
import { type DecisionPointDeps, judge, record } from '../authorize.ts'
import type { JsonValue, Judgement } from '../decision-point.ts'
import { limits } from '../limits.ts'
import { errors } from './errors.ts'
import { isObject, type JsonObject, readEvaluation } from './read-evaluation.ts'

export type EvaluateDeps = Pick<DecisionPointDeps, 'makeId' | 'changes' | 'log' | 'metrics'> & { readonly ask: Ask }

/** `POST /access/v1/evaluation`. */
export async function evaluateOne(deps: EvaluateDeps, scope: RequestScope, body: JsonValue): Promise<JsonObject> {
  const [answer] = await answerAll(deps, scope, [body])
  if (!answer) throw new Error('one question has one answer')
  if ('mistake' in answer) throw errors.invalid_request({ detail: answer.mistake })
  return answer.body
}

const semantics = new Set(['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'])

/**
 * `POST /access/v1/evaluations`: a key in an item replaces the whole default; a broken item is a deny with its error, in
 * place; a short circuit cuts right after its trigger. Without a list it is the single form.
 */
export async function evaluateMany(deps: EvaluateDeps, scope: RequestScope, body: JsonValue): Promise<JsonObject> {
  if (!isObject(body)) throw errors.invalid_request({ detail: 'the request is not an object' })
  const { evaluations, options, ...defaults } = body
  const semantic = readSemantic(options)
  if (evaluations === undefined || (Array.isArray(evaluations) && evaluations.length === 0)) {
    return evaluateOne(deps, scope, defaults)
  }
  if (!Array.isArray(evaluations)) throw errors.invalid_request({ detail: 'evaluations is not an array' })
  if (evaluations.length > limits.evaluations) {
    throw errors.invalid_request({ detail: `evaluations has more than ${limits.evaluations} items` })
  }
  const items: JsonValue[] = evaluations.map((item: JsonValue) => (isObject(item) ? { ...defaults, ...item } : item))
  const answers = (await answerAll(deps, scope, items)).map((answer) =>
    'mistake' in answer
      ? { decision: false, context: { error: { status: 400, message: answer.mistake } } }
      : answer.body,
  )
  return { evaluations: cut(answers, semantic) }
}

function readSemantic(options: JsonValue | undefined): string {
  if (options === undefined) return 'execute_all'
  const semantic = isObject(options) ? (options.evaluations_semantic ?? 'execute_all') : undefined
  if (typeof semantic === 'string' && semantics.has(semantic)) return semantic
  throw errors.invalid_request({ detail: 'options.evaluations_semantic is unknown' })
}

function cut(answers: readonly JsonObject[], semantic: string): readonly JsonObject[] {
  if (semantic === 'execute_all') return answers
  const trigger = answers.findIndex(({ decision }) => decision === (semantic === 'permit_on_first_permit'))
  return trigger < 0 ? answers : answers.slice(0, trigger + 1)
}

type Answer = { readonly body: JsonObject } | { readonly mistake: string }

async function answerAll(deps: EvaluateDeps, scope: RequestScope, items: readonly JsonValue[]): Promise<Answer[]> {
  const { program } = scope.policy
  const tenant = { kind: 'entity', type: 'Tenant', id: scope.tenant.id } as const
  const read = items.map((item) => readEvaluation(program, item))
  const asked: Asked[] = []
  for (const entry of read) {
    if (typeof entry === 'string') continue
    // The tenant is the one that is asked, whatever the caller says; the rest of the context is the enforcement point's word.
    const request: Request = { ...entry.request, context: new Map(entry.request.context).set('tenant', tenant) }
    asked.push({ request, given: [], supplied: entry.supplied })
  }
  const decisions = await deps.ask(scope.policy, asked, scope.now)
  let next = 0
  return read.map((entry) => {
    if (typeof entry === 'string') return { mistake: entry }
    const decision = decisions[next]
    const request = asked[next]?.request
    next += 1
    if (!decision || !request || decision.code === 'unavailable') {
      throw httpErrors.decision_unavailable({ headers: { 'retry-after': '1' } })
    }
    const judgement = judge(deps, scope, decision)
    record(deps, { scope, judgement, request })
    return { body: answerOf(judgement, entry.mistyped) }
  })
}

/** Texts, advice and fields; never rule source. */
function answerOf(judgement: Judgement, mistyped: readonly string[]): JsonObject {
  const { decision, texts, advice, fields, code, version, id } = judgement
  const reason = [
    ...(code === undefined ? [] : [code]),
    ...texts,
    ...mistyped.map((path) => `${path} has the wrong type`),
  ]
  return {
    decision,
    context: {
      ...(reason.length > 0 ? { reason } : {}),
      ...(advice.length > 0
        ? {
            advice: advice.map(({ name, args }) => ({
              name,
              args: Object.fromEntries(Object.entries(args).map(([key, value]) => [key, writeValue(value)])),
            })),
          }
        : {}),
      ...(fields ? { fields } : {}),
      policyVersion: version,
      decisionId: id,
    },
  }
}
