import { createEvaluator, type Evaluator } from '../backends/js/create-evaluator.ts'
import type { EntityStore, Facts } from '../entities/facts.ts'
import { createEntityStore } from '../entities/store.ts'
import type { EntityValue, Value } from '../ir/nodes.ts'
import { actionKey, type Program } from '../ir/program.ts'
import type { EvaluateOptions, Externs } from './decision.ts'
import { listResources, listSubjects } from './list.ts'
import { type DataProblem, readData, readTuples } from './read-data.ts'
import { readInstant } from './read-instant.ts'
import { anonymous, readContext } from './read-request.ts'
import { isArray, isObject, readEntity, readValue } from './read-value.ts'
import type { Json } from './strict-json.ts'
import { writeValue } from './write-value.ts'

/** Compiles the files of a case; refusals where they do not compile. */
export type CompileCase = (files: readonly { readonly path: string; readonly text: string }[]) => {
  readonly program?: Program
  readonly refusals: readonly Json[]
}

/** One case of `writ decide --batch` in language `fbac`: one answer object out, whatever comes in. */
export function runCase(json: Json, compile: CompileCase): Json {
  const id = isObject(json) ? (json.id ?? null) : null
  const refused = (refusals: readonly Json[]): Json => ({ id, status: 'refused', refusals })
  if (!isObject(json) || !isObject(json.files)) return refused([refusal('invalid-case', 'a case needs files')])
  const files = Object.entries(json.files).flatMap(([name, text]) =>
    typeof text === 'string' ? [{ path: name.endsWith('.fbac') ? name : `${name}.fbac`, text }] : [],
  )
  const { program, refusals } = compile(files)
  if (!program) return refused(refusals)
  const session = openSession(program, json.data, json.now)
  if ('problems' in session) {
    return refused(session.problems.map((each) => refusal(`data-${each.code}`, `${each.path}: ${each.message}`)))
  }
  const requests = isArray(json.requests) ? json.requests : []
  return { id, status: 'ok', answers: requests.map((request) => answerRequest(session, request)) }
}

/** Data and clock of one case, with the executor that answers its requests. */
export type BatchSession = {
  readonly program: Program
  readonly store: EntityStore
  readonly evaluator: Evaluator
  readonly options: EvaluateOptions
}

/** Loads the data; the problems where it may not be used. */
export function openSession(
  program: Program,
  data: Json | undefined,
  now: Json | undefined,
): BatchSession | { readonly problems: readonly Pick<DataProblem, 'code' | 'message' | 'path'>[] } {
  const read = readData(program, data)
  const errors = read.problems.filter((problem) => problem.severity === 'error')
  const clock = readClock(now, defaultNow)
  if (clock === undefined) return { problems: [{ code: 'malformed', message: 'now is RFC 3339 or ms', path: 'now' }] }
  if (errors.length > 0) return { problems: errors }
  const store = createEntityStore(program)
  const refusedRows = [
    ...read.entities.flatMap((entity) => store.putEntity(entity)),
    ...read.tuples.flatMap((tuple) => store.putTuple(tuple)),
  ]
  if (refusedRows.length > 0) {
    return { problems: refusedRows.map(({ message }) => ({ code: 'malformed', message, path: 'entities' })) }
  }
  const externs = readExterns(program, isObject(data) ? data.externs : undefined)
  return { program, store, evaluator: createEvaluator(program), options: { now: clock, externs } }
}

/** Answers one request; what cannot be answered is an error in its place. */
export function answerRequest(session: BatchSession, json: Json): Json {
  if (!isObject(json)) return failure('invalid-request', 'a request is an object')
  const { program, store } = session
  const added = readTuples(program, json.tuples ?? [])
  const broken = added.problems[0]
  // Stored tuples that the model does not allow are ignored; in a request they are a mistake (import-cli).
  if (broken) return failure('invalid-request', `${broken.path}: ${broken.message}`)
  const facts = added.tuples.length > 0 ? store.overlay([], added.tuples) : store
  const now = readClock(json.now, session.options.now)
  if (now === undefined) return failure('invalid-request', 'now is RFC 3339 or ms')
  const asked = { session, facts, json, options: { ...session.options, now } }
  switch (json.op ?? 'check') {
    case 'check':
      return answerCheck(asked)
    case 'listResources':
      return answerResources(asked)
    case 'listSubjects':
      return answerSubjects(asked)
    default:
      return failure('invalid-request', 'op is check, listResources or listSubjects')
  }
}

type Asked = {
  readonly session: BatchSession
  readonly facts: Facts
  readonly json: { readonly [name: string]: Json }
  readonly options: EvaluateOptions
}

/** Tests without `at` and cases without `now` stand at this instant (SPEC 9). */
const defaultNow = Date.UTC(2026, 0, 1)

const refusal = (code: string, message: string): Json => ({ code, message })
const failure = (code: string, message: string): Json => ({ error: { code, message } })

function readClock(json: Json | undefined, otherwise: number): number | undefined {
  if (json === undefined) return otherwise
  if (typeof json === 'string') return readInstant(json)
  return typeof json === 'number' && Number.isSafeInteger(json) ? json : undefined
}

/** `{name: value}` or `{name: {"fails": true}}`; absent = failed (SPEC 9). */
function readExterns(program: Program, json: Json | undefined): Externs {
  const given = new Map<string, Value>()
  for (const [name, extern] of program.externs) {
    const value = isObject(json) && Object.hasOwn(json, name) ? readValue(json[name], extern.returns) : undefined
    if (value !== undefined) given.set(name, value)
  }
  return (name) => given.get(name)
}

function answerCheck(asked: Asked): Json {
  const subject = asked.json.subject === undefined ? anonymous : readEntity(asked.json.subject)
  const resource = readEntity(asked.json.resource)
  const action = actionName(asked.json.action)
  if (!subject || !resource || action === undefined) return failure('invalid-request', 'subject, action, resource')
  const context = contextOf(asked, action, resource)
  const decision = asked.session.evaluator.decide(asked.facts, { subject, action, resource, context }, asked.options)
  if (decision.code === 'limit') return failure('limit', 'the decision costs too much')
  return {
    decision: decision.decision,
    reasons: decision.reasons,
    errors: decision.errors.map(({ rule }) => rule),
    degraded: decision.degraded,
    ...(decision.fields && { fields: decision.fields }),
    advice: decision.advice.map(({ name, args }) => ({
      name,
      args: Object.fromEntries(
        Object.entries(args).map(([argument, value]) => [
          argument,
          writeValue(value, asked.session.program.advice.get(name)?.params[argument]?.type),
        ]),
      ),
    })),
    ...(decision.code !== undefined && { code: decision.code }),
  }
}

function answerResources(asked: Asked): Json {
  const subject = asked.json.subject === undefined ? anonymous : readEntity(asked.json.subject)
  const action = actionName(asked.json.action)
  const { type } = asked.json
  if (!subject || action === undefined || typeof type !== 'string')
    return failure('invalid-request', 'subject, action, type')
  const context = contextOf(asked, action, { kind: 'entity', type, id: '' })
  const ids = listResources(asked.session.program, { ...listing(asked, context), subject, action, type })
  return { ids }
}

function answerSubjects(asked: Asked): Json {
  const resource = readEntity(asked.json.resource)
  const action = actionName(asked.json.action)
  const { type } = asked.json
  if (!resource || action === undefined || typeof type !== 'string')
    return failure('invalid-request', 'resource, action, type')
  if (asked.json.relation !== undefined)
    return failure('invalid-request', 'a subject set cannot be the subject of an action')
  const context = contextOf(asked, action, resource)
  return { ids: listSubjects(asked.session.program, { ...listing(asked, context), resource, action, type }) }
}

const listing = ({ session, facts, options }: Asked, context: ReadonlyMap<string, Value>) => ({
  facts,
  context,
  options,
  decide: session.evaluator.decide,
})

const actionName = (json: Json | undefined): string | undefined => {
  const name = isObject(json) ? (json.id ?? json.name) : json
  return typeof name === 'string' ? name : undefined
}

/** Arguments of another type count as missing (SPEC 5). */
function contextOf(asked: Asked, action: string, resource: EntityValue): ReadonlyMap<string, Value> {
  const { context } = asked.json
  if (!isObject(context) || !asked.session.program.actions.has(actionKey(action, resource.type))) return new Map()
  return readContext(asked.session.program, { action, resource }, { json: context, mistyped: [] })
}
