import {
  type ExplainQuestion,
  explain,
  explainPlan,
  type Json,
  readRequest,
  writeExplanation,
  writeJson,
} from '../../policy-lang/index.ts'
import { placesIn } from '../decision/rule-places.ts'
import { factsOfRequest } from './answer-request.ts'
import { exit } from './exit-codes.ts'
import { explanationText, planText } from './explanation-text.ts'
import type { CommandIo } from './io.ts'
import { fromFolder, loadWorld, parseJsonText } from './load-world.ts'
import { readOptions } from './read-options.ts'
import { readText } from './read-policies.ts'
import { readReference } from './read-reference.ts'
import { UsageMistake } from './usage-mistake.ts'
import { isFields, readNow, type World } from './world.ts'

const flags = {
  policy: { type: 'string' },
  entities: { type: 'string' },
  request: { type: 'string' },
  subject: { type: 'string' },
  action: { type: 'string' },
  resource: { type: 'string' },
  context: { type: 'string' },
  now: { type: 'string' },
  plan: { type: 'boolean' },
  'as-caller': { type: 'boolean' },
} as const

/** Why a request is decided as it is, what would flip it, and with `--plan` what the index does (SPEC 7.4). */
export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals, format } = readOptions(args, flags)
  if (positionals.length > 0) throw new UsageMistake(`unexpected "${positionals[0]}"`)
  const { policy, entities } = values
  if (policy === undefined) throw new UsageMistake('needs --policy')
  const now = readNow(values.now, io.now())
  if (now === undefined) throw new UsageMistake('--now is not an RFC 3339 time')
  const asked = requestOf(values, io)
  const at = readNow(isFields(asked) ? asked.now : undefined, now)
  if (at === undefined) throw new UsageMistake('now of the request is not an RFC 3339 time')
  const world = loadWorld({ policy, entities, now: at }, io)
  if (!world) return exit.misuse
  const question = questionOf(world, asked, values['as-caller'] === true ? 'caller' : 'full')
  const explanation = explain(world.program, question)
  const { action, subject, resource } = question.request
  const plan = values.plan ? (explainPlan(world.program, action, subject.type, resource.type) ?? null) : undefined
  if (format === 'json') {
    const json = writeExplanation(world.program, explanation, placesIn(world.sources))
    await io.out(`${writeJson(plan === undefined ? json : { ...json, plan: planJson(plan) })}\n`)
    return exit.fine
  }
  const text = explanationText(explanation, { request: question.request, world, color: io.colorOut })
  await io.out(plan === undefined ? text : `${text}\n${planText(plan, io.colorOut)}`)
  return exit.fine
}

type Flags = { readonly [name in 'request' | 'subject' | 'action' | 'resource' | 'context']?: string | undefined }

/** A request as `writ decide` takes it, or its parts as flags; without a subject it is anonymous. */
function requestOf({ request, subject, action, resource, context }: Flags, io: CommandIo): Json {
  const isByParts = [subject, action, resource, context].some((part) => part !== undefined)
  if (request !== undefined) {
    if (isByParts) throw new UsageMistake('--request says it all; leave out --subject, --action, --resource, --context')
    return parseJsonText(readText(fromFolder(io, request)), request)
  }
  if (action === undefined || resource === undefined)
    throw new UsageMistake('needs --request, or --action and --resource')
  return {
    ...(subject === undefined ? {} : { subject: readReference(subject, '--subject') }),
    action,
    resource: readReference(resource, '--resource'),
    ...(context === undefined ? {} : { context: parseJsonText(readText(fromFolder(io, context)), context) }),
  }
}

function questionOf(world: World, asked: Json, audience: ExplainQuestion['audience']): ExplainQuestion {
  const read = readRequest(world.program, asked)
  if (!read.ok) throw new UsageMistake(`the request: ${read.message}`)
  const overlay = factsOfRequest(world, isFields(asked) ? asked.tuples : undefined, read.supplied)
  if ('message' in overlay) throw new UsageMistake(`the request: ${overlay.message}`)
  const options = { now: world.now, externs: world.externs }
  return { facts: overlay.facts, request: read.request, options, audience }
}

const planJson = (plan: ReturnType<typeof explainPlan> | null): Json =>
  plan ? { rules: plan.rules, lines: plan.lines, notIndexed: plan.notIndexed.map((each) => ({ ...each })) } : null
