import type { ApplyResult } from '../admin/documents/apply-documents.ts'
import { ConfigurationError } from '../config/read-config.ts'
import { StartMistake } from '../start-mistake.ts'
import { type AdminDoor, type Outcome, openAdminDoor, type Refused } from './admin-door.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { type ReadDocuments, readDocuments } from './read-documents.ts'
import { readOptions } from './read-options.ts'
import { UsageMistake } from './usage-mistake.ts'

/** `writ apply` and `writ plan` differ in what is asked of the server, and in nothing else. */
export async function changeState(verb: 'apply' | 'plan', args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals, format } = readOptions(args, {
    file: { type: 'string', short: 'f', multiple: true },
    prune: { type: 'boolean' },
  })
  const given = (values as { readonly file?: readonly string[] }).file ?? []
  const files = [...given, ...positionals]
  if (files.length === 0) throw new UsageMistake('name the files: -f FILE')
  const read = readDocuments(files, io)
  if (read.problems.length > 0) {
    for (const { file = 'documents', line = 1, message } of read.problems) io.error(`${file}:${line}: ${message}\n`)
    return exit.misuse
  }
  return throughDoor(io, async (door) => {
    const outcome = await door.send(verb, { documents: read.documents, prune: values.prune === true })
    return conclude(outcome, io, read, (result) => report(verb, result, format, io))
  })
}

/** What the person can put right is one line and exit 2. */
export async function throughDoor(io: CommandIo, use: (door: AdminDoor) => Promise<number>): Promise<number> {
  try {
    return await use(openAdminDoor(io))
  } catch (error) {
    if (!(error instanceof ConfigurationError || error instanceof StartMistake)) throw error
    io.error(`writ: ${error.message}\n`)
    return error instanceof StartMistake ? error.exitCode : exit.misuse
  }
}

export async function conclude<T>(
  outcome: Outcome<T>,
  io: CommandIo,
  read: Pick<ReadDocuments, 'placeOf'> | undefined,
  done: (value: T) => Promise<void>,
): Promise<number> {
  if ('unreachable' in outcome) {
    io.error(`writ: ${outcome.unreachable}\n`)
    return exit.unreachable
  }
  if ('refused' in outcome) {
    explain(outcome.refused, io, read)
    return outcome.refused.status >= 500 ? exit.unreachable : exit.no
  }
  await done(outcome.done)
  return exit.fine
}

type Listed = readonly { readonly [name: string]: unknown }[]

function explain({ status, problem }: Refused, io: CommandIo, read: Pick<ReadDocuments, 'placeOf'> | undefined): void {
  io.error(`writ: ${problem.title ?? `refused (${status})`}${problem.detail ? ` ${problem.detail}` : ''}\n`)
  const list = (name: string): Listed => (Array.isArray(problem[name]) ? problem[name] : [])
  for (const { document, pointer, message } of list('errors')) {
    const place =
      typeof document === 'number' && read ? read.placeOf(document, String(pointer ?? '')) : String(pointer ?? '')
    io.error(`${place}: ${message}\n`)
  }
  for (const { file, line, column, code, message, help } of list('diagnostics')) {
    io.error(`${file}:${line}:${column}: ${code} ${message}${help ? ` (${help})` : ''}\n`)
  }
  for (const { file, line, test, message } of list('failures'))
    io.error(`${file}:${line}: test "${test}": ${message}\n`)
}

async function report(verb: 'apply' | 'plan', result: ApplyResult, format: string, io: CommandIo): Promise<void> {
  if (format === 'json') return io.out(`${JSON.stringify(result)}\n`)
  const lines = [
    ...result.created.map((name) => `+ ${name}`),
    ...result.diff.map(({ document, changes }) => `~ ${document} (${changes.map(({ member }) => member).join(', ')})`),
    ...result.deleted.map((name) => `- ${name}`),
    ...Object.entries(result.secrets).flatMap(([name, secrets]) =>
      Object.entries(secrets).map(([member, value]) => `${name} ${member}: ${value}`),
    ),
    `${verb === 'plan' ? 'would be: ' : ''}${result.created.length} created, ${result.changed.length} changed, ${result.deleted.length} deleted, ${result.unchanged.length} unchanged`,
  ]
  await io.out(`${lines.join('\n')}\n`)
}
