import {
  type Decision,
  type Facts,
  type Json,
  listResources,
  listSubjects,
  type Program,
  readRequest,
  readTuples,
  supplyProperties,
  writeAdvice,
} from '../../policy-lang/index.ts'
import { isFields, readNow, type World } from './world.ts'

/** The answer to one request in the form of import-cli.md; what cannot be answered says why and is never an allow. */
export function answerRequest(world: World, json: Json): Json {
  if (!isFields(json)) return problem('invalid-request', 'a request is an object')
  const now = readNow(json.now, world.now)
  if (now === undefined) return problem('invalid-request', 'now is not an RFC 3339 time')
  const { op = 'check' } = json
  const asked =
    op === 'listResources'
      ? { ...json, resource: ofType(json.type) }
      : op === 'listSubjects'
        ? { ...json, subject: ofType(json.type) }
        : json
  const read = readRequest(world.program, asked)
  if (!read.ok) return problem('invalid-request', read.message)
  const overlay = factsOfRequest(world, json.tuples, read.supplied)
  if ('message' in overlay) return problem('invalid-request', overlay.message)
  const question = {
    ...read.request,
    facts: overlay.facts,
    options: { now, externs: world.externs },
    decide: decideBy(world),
  }
  switch (op) {
    case 'check':
      return writeDecision(
        world.program,
        read.request.action,
        question.decide(question.facts, read.request, question.options),
      )
    case 'listResources':
      return { ids: listResources(world.program, { ...question, type: read.request.resource.type }) }
    case 'listSubjects':
      if (json.relation !== undefined) return problem('invalid-request', 'subject sets cannot be listed')
      return { ids: listSubjects(world.program, { ...question, type: read.request.subject.type }) }
    default:
      return problem('invalid-request', `there is no op ${JSON.stringify(op)}`)
  }
}

const decideBy =
  ({ evaluator }: World) =>
  (...args: Parameters<World['evaluator']['decide']>): Decision =>
    evaluator.decide(...args)

/** In a list the asked side is a type; its id is never looked at. */
const ofType = (type: Json | undefined): Json => ({ type: type ?? null, id: '' })

/** Tuples of a request hold for it only; one that the policies do not allow makes the request invalid. */
export function factsOfRequest(
  world: World,
  tuples: Json | undefined,
  supplied: Parameters<typeof supplyProperties>[2],
): { readonly facts: Facts } | { readonly message: string } {
  if (tuples === undefined && supplied.length === 0) return { facts: world.store }
  const read = readTuples(world.program, tuples ?? [])
  const [wrong] = read.problems
  if (wrong) return { message: `${wrong.path}: ${wrong.message}` }
  return { facts: world.store.overlay(supplyProperties(world.program, world.store, supplied), read.tuples) }
}

function writeDecision(program: Program, action: string, decision: Decision): Json {
  if (decision.code === 'limit') return problem('limit', `a limit was reached while judging ${action}`)
  return {
    decision: decision.decision,
    reasons: decision.reasons,
    errors: decision.errors.map(({ rule }) => rule),
    degraded: decision.degraded,
    ...(decision.fields ? { fields: decision.fields } : {}),
    advice: writeAdvice(program, decision.advice),
    ...(decision.texts.length > 0 ? { texts: decision.texts } : {}),
    ...(decision.code === undefined ? {} : { code: decision.code }),
  }
}

const problem = (code: string, message: string): Json => ({ error: { code, message } })
