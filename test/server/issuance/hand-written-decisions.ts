import type { EntityData, EntityValue, Value } from '../../../policy-lang/index.ts'
import type { DecisionPoint, Judgement, Question } from '../../../server/decision/decision-point.ts'

/**
 * The shipped issuance policy by hand (server/policy/issuance.fbac), so that the gate's tests say what it asks and what it does
 * with an answer, whoever gives it.
 */
export function handWrittenDecisions(): DecisionPoint & {
  readonly asked: Question[]
} {
  const asked: Question[] = []
  const decide = async (question: Question): Promise<Judgement> => {
    asked.push(question)
    const decision = allows(question)
    return {
      id: `dec_${asked.length}`,
      version: 'by hand',
      position: '0',
      decision,
      reasons: decision ? ['by-hand'] : [],
      errors: [],
      degraded: [],
      advice: [],
      texts: [],
    }
  }
  return {
    asked,
    decide: (_scope, question) => decide(question),
    decideMany: (_scope, questions) => Promise.all(questions.map(decide)),
    authorize: async (_scope, question) => {
      const judgement = await decide(question)
      if (!judgement.decision) throw new Error('denied by hand')
      return judgement
    },
  }
}

function allows(question: Question): boolean {
  const of = (entity: EntityValue | undefined) => question.entities?.find((data) => isSame(data.uid, entity))
  const { context = {} } = question
  if (question.action === 'signIn') return true
  if (question.action === 'setUp') return context.adminExists === false
  if (question.action === 'skipConsent') return attribute(of(question.resource), 'firstParty') === true
  if (question.action !== 'issue') return false

  const credential = of(question.resource)
  const link = (name: string) => attribute(credential, name) as EntityValue | undefined
  if (context.locked === true || context.stale === true) return false
  if (attribute(of(link('tenant')), 'status') !== 'active') return false
  const owner = link('owner')
  if (owner && (!isSame(owner, question.subject) || attribute(of(owner), 'status') !== 'active')) return false
  if (attribute(credential, 'kind') === 'session') return owner !== undefined
  const client = of(link('client'))
  if (attribute(client, 'enabled') !== true) return false
  if (!owner && context.grant !== 'client_credentials') return false
  const allowed = attribute(client, 'allowedScopes') as { readonly items: readonly Value[] }
  return (context.requestedScopes as readonly string[]).every((scope) => allowed.items.includes(scope))
}

const isSame = (left: EntityValue, right: EntityValue | undefined): boolean =>
  left.type === right?.type && left.id === right.id

const attribute = (data: EntityData | undefined, name: string): Value | undefined => data?.attributes.get(name)
