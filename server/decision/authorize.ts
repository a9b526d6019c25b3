import type { Logger } from 'pino'
import { type Decision, readContext, writeValue } from '../../policy-lang/index.ts'
import type { ChangeFeed } from '../events/change.ts'
import type { MakeId } from '../events/time-ordered-id.ts'
import { errors } from '../http/errors.ts'
import type { Metrics } from '../http/metrics.ts'
import type { RequestScope } from '../http/request-scope.ts'
import type { Ask, Asked } from './ask.ts'
import type { DecisionPoint, JsonValue, Judgement, Question } from './decision-point.ts'
import { standardContext } from './standard-context.ts'

export type DecisionPointDeps = {
  readonly ask: Ask
  readonly changes: ChangeFeed
  readonly makeId: MakeId
  readonly log: Logger
  readonly metrics: Metrics
  /** Development says which rules refused. */
  readonly showRules: boolean
}

export function createDecisionPoint(deps: DecisionPointDeps): DecisionPoint {
  const decideMany = async (scope: RequestScope, questions: readonly Question[]): Promise<Judgement[]> => {
    const context = standardContext(scope)
    const asked = questions.map((question) => read(scope, question, context))
    const decisions = await deps.ask(scope.policy, asked, scope.now)
    return decisions.map((decision, index) => {
      const judgement = judge(deps, scope, decision)
      const request = asked[index]?.request
      if (request) record(deps, { scope, judgement, request })
      return judgement
    })
  }
  const decide = async (scope: RequestScope, question: Question): Promise<Judgement> => {
    const [judgement] = await decideMany(scope, [question])
    if (!judgement) throw new Error('one question has one answer')
    return judgement
  }
  return {
    decide,
    decideMany,
    async authorize(scope, question) {
      const judgement = await decide(scope, question)
      if (judgement.decision) return judgement
      throw refusalOf(scope, judgement, deps.showRules)
    },
  }
}

/** What the scope says wins over what a caller passes under the same name. */
function read(scope: RequestScope, question: Question, standard: { readonly [name: string]: JsonValue }): Asked {
  const { action, resource, subject = scope.subject } = question
  const json = question.context ? { ...question.context, ...standard } : standard
  const context = readContext(scope.policy.program, { action, resource }, { json, mistyped: [] })
  return { request: { subject, action, resource, context }, given: question.entities ?? [] }
}

export function judge(
  { makeId, changes }: Pick<DecisionPointDeps, 'makeId' | 'changes'>,
  { policy, now }: Pick<RequestScope, 'policy' | 'now'>,
  decision: Decision,
): Judgement {
  return {
    ...decision,
    id: makeId(now),
    version: policy.version,
    position: changes.seen(policy.tenantId).toString(),
  }
}

/** The decision log: denials and failing rules always, allows one in ten. Values of attributes never stand in it. */
export function record(
  { log, metrics }: Pick<DecisionPointDeps, 'log' | 'metrics'>,
  made: {
    readonly scope: Pick<RequestScope, 'requestId' | 'tenant'>
    readonly judgement: Judgement
    readonly request: Asked['request']
  },
): void {
  const { judgement, request, scope } = made
  const outcome =
    judgement.code === 'unavailable'
      ? 'unavailable'
      : judgement.errors.length > 0
        ? 'error'
        : judgement.decision
          ? 'allow'
          : 'deny'
  metrics.decisions.inc({ outcome })
  const level = outcome === 'error' || outcome === 'unavailable' ? 'warn' : outcome === 'deny' ? 'info' : 'debug'
  if (!log.isLevelEnabled(level) || (outcome === 'allow' && !isSampled(judgement.id))) return
  log[level](
    {
      decisionId: judgement.id,
      requestId: scope.requestId,
      tenantId: scope.tenant.id,
      version: judgement.version,
      position: judgement.position,
      decision: judgement.decision,
      subject: `${request.subject.type}::${request.subject.id}`,
      action: request.action,
      resource: `${request.resource.type}::${request.resource.id}`,
      reasons: judgement.reasons,
      ...(judgement.errors.length > 0 ? { errors: judgement.errors } : {}),
      ...(judgement.code === undefined ? {} : { why: judgement.code }),
    },
    'decision',
  )
}

/** One in ten, by the random end of the id, so that a sample can be told from the id alone. */
const isSampled = (id: string): boolean => Number.parseInt(id.slice(-4), 16) % 10 === 0

function refusalOf(scope: RequestScope, judgement: Judgement, showRules: boolean): Error {
  if (judgement.code === 'unavailable') return errors.decision_unavailable({ headers: { 'retry-after': '1' } })
  if (scope.subject.type === 'Anonymous') {
    return errors.authentication_required({ headers: { 'www-authenticate': 'Bearer' } })
  }
  const advice = judgement.advice.map(({ name, args }) => ({
    name,
    args: Object.fromEntries(Object.entries(args).map(([key, value]) => [key, writeValue(value)])),
  }))
  const members = {
    texts: judgement.texts,
    advice,
    decisionId: judgement.id,
    ...(showRules
      ? { rules: judgement.reasons, ...(judgement.code === undefined ? {} : { why: judgement.code }) }
      : {}),
  }
  const detail = judgement.texts.length > 0 ? { detail: judgement.texts.join(' ') } : {}
  const again = advice.find(({ name }) => name === 'reauthenticate')
  if (again) {
    return errors.reauthentication_required({
      members,
      ...detail,
      headers: { 'www-authenticate': challenge(again.args) },
    })
  }
  const stepUp = advice.find(({ name }) => name === 'stepUp')
  if (!stepUp) return errors.access_denied({ members, ...detail })
  return errors.insufficient_user_authentication({
    members,
    ...detail,
    headers: { 'www-authenticate': challenge(stepUp.args) },
  })
}

/** RFC 9470 §3. The names come from declared enums and numbers; quotes cannot stand in them, and are cut all the same. */
function challenge(args: { readonly [name: string]: unknown }): string {
  const parts = ['Bearer error="insufficient_user_authentication"']
  if (typeof args.acr === 'string') parts.push(`acr_values="${args.acr.replace(/[^\w:./-]/g, '')}"`)
  if (typeof args.maxAge === 'number') parts.push(`max_age=${Math.floor(args.maxAge / 1000)}`)
  return parts.join(', ')
}
