import { resolve } from 'node:path'
import { compileProgram, type Json, parseStrictJson, writeJson } from '../../policy-lang/index.ts'
import { answerRequest } from './answer-request.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { openProgress } from './progress.ts'
import { readLines } from './read-lines.ts'
import { readOptions } from './read-options.ts'
import { readPolicies, readText } from './read-policies.ts'
import { hasErrors, reportDiagnostics } from './report-diagnostics.ts'
import { runBatch } from './run-batch.ts'
import { UsageMistake } from './usage-mistake.ts'
import { makeWorld, readNow } from './world.ts'

const flags = {
  policy: { type: 'string' },
  entities: { type: 'string' },
  requests: { type: 'string' },
  batch: { type: 'string' },
  jobs: { type: 'string' },
  now: { type: 'string' },
  'exit-code': { type: 'boolean' },
} as const

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals, format } = readOptions(args, flags, ['jsonl', 'json', 'text'])
  if (positionals.length > 0) throw new UsageMistake(`unexpected "${positionals[0]}"`)
  const now = readNow(values.now, io.now())
  if (now === undefined) throw new UsageMistake('--now is not an RFC 3339 time')
  if (values.batch !== undefined) {
    const jobs = values.jobs === undefined ? 1 : Number(values.jobs)
    if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64) throw new UsageMistake('--jobs is a number from 1 to 64')
    return runBatch({ file: fromFolder(io, values.batch), jobs, now }, io)
  }
  const { policy, entities, requests } = values
  if (policy === undefined || requests === undefined)
    throw new UsageMistake('needs --policy and --requests, or --batch')
  const isExitCode = values['exit-code'] === true
  return decideAll({ policy, entities, requests, now, format, isExitCode }, io)
}

type Asked = {
  readonly policy: string
  readonly entities: string | undefined
  readonly requests: string
  readonly now: number
  readonly format: string
  readonly isExitCode: boolean
}

async function decideAll(asked: Asked, io: CommandIo): Promise<number> {
  const compiled = compileProgram(readPolicies([asked.policy], io.folder))
  if (hasErrors(compiled.diagnostics)) {
    reportDiagnostics(compiled.diagnostics, compiled.sources, io)
    return exit.misuse
  }
  const data =
    asked.entities === undefined ? undefined : parse(readText(fromFolder(io, asked.entities)), asked.entities)
  const made = makeWorld(compiled, data, asked.now)
  if (!made.ok) {
    for (const { message } of made.refusals) io.error(`${asked.entities ?? ''}: ${message}\n`)
    return exit.misuse
  }
  const progress = openProgress(io, 'requests')
  const answers: Json[] = []
  let isAllAllowed = true
  let line = 0
  for await (const text of readLines(fromFolder(io, asked.requests))) {
    const answer = answerRequest(made.world, parse(text, `${asked.requests}, request ${++line}`))
    if (!isAllowed(answer)) isAllAllowed = false
    if (asked.format === 'json') answers.push(answer)
    else await io.out(`${writeJson(answer)}\n`)
    progress.step()
  }
  progress.end()
  if (asked.format === 'json') await io.out(`${writeJson(answers)}\n`)
  return asked.isExitCode && !isAllAllowed ? exit.no : exit.fine
}

const isAllowed = (answer: Json): boolean =>
  typeof answer === 'object' &&
  answer !== null &&
  ('ids' in answer || ('decision' in answer && answer.decision === true))

function parse(text: string, where: string): Json {
  const parsed = parseStrictJson(text, { depth: 1000, allowNul: true })
  if (!parsed.ok) throw new UsageMistake(`${where}: ${parsed.message}`)
  return parsed.value
}

const fromFolder = (io: CommandIo, path: string): string => (path === '-' ? path : resolve(io.folder, path))
