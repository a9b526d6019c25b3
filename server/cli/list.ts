import { type Json, writeJson } from '../../policy-lang/index.ts'
import { answerRequest } from './answer-request.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { fromFolder, loadWorld, parseJsonText } from './load-world.ts'
import { readOptions } from './read-options.ts'
import { readText } from './read-policies.ts'
import { readReference } from './read-reference.ts'
import { UsageMistake } from './usage-mistake.ts'
import { isFields, isList, readNow } from './world.ts'

const flags = {
  policy: { type: 'string' },
  entities: { type: 'string' },
  subject: { type: 'string' },
  resource: { type: 'string' },
  action: { type: 'string' },
  type: { type: 'string' },
  context: { type: 'string' },
  now: { type: 'string' },
} as const

/** Resources of a type that a subject may act on, or subjects of a type that may act on a resource: one id a line. */
export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals, format } = readOptions(args, flags)
  if (positionals.length > 0) throw new UsageMistake(`unexpected "${positionals[0]}"`)
  const { policy, entities, subject, resource, action, type, context } = values
  if (policy === undefined || action === undefined || type === undefined)
    throw new UsageMistake('needs --policy, --action, --type and --subject or --resource')
  if ((subject === undefined) === (resource === undefined))
    throw new UsageMistake('needs one of --subject (lists resources) and --resource (lists subjects)')
  const now = readNow(values.now, io.now())
  if (now === undefined) throw new UsageMistake('--now is not an RFC 3339 time')
  const asked =
    subject === undefined
      ? { op: 'listSubjects', resource: readReference(resource ?? '', '--resource') }
      : { op: 'listResources', subject: readReference(subject, '--subject') }
  const world = loadWorld({ policy, entities, now }, io)
  if (!world) return exit.misuse
  const answer = answerRequest(world, {
    ...asked,
    action,
    type,
    ...(context === undefined ? {} : { context: parseJsonText(readText(fromFolder(io, context)), context) }),
  })
  const ids = isFields(answer) && isList(answer.ids) ? answer.ids : undefined
  if (!ids) throw new UsageMistake(problemOf(answer))
  await io.out(format === 'json' ? `${writeJson({ ids })}\n` : ids.map((id) => `${String(id)}\n`).join(''))
  return exit.fine
}

function problemOf(answer: Json): string {
  const problem = isFields(answer) && isFields(answer.error) ? answer.error : {}
  return `${String(problem.code)}: ${String(problem.message)}`
}
