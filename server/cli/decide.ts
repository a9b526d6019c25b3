import { type Json, writeJson } from '../../policy-lang/index.ts'
import { answerRequest } from './answer-request.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { fromFolder, loadWorld, parseJsonText } from './load-world.ts'
import { openProgress } from './progress.ts'
import { readLines } from './read-lines.ts'
import { readOptions } from './read-options.ts'
import { runBatch } from './run-batch.ts'
import { UsageMistake } from './usage-mistake.ts'
import { readNow } from './world.ts'

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
  const world = loadWorld(asked, io)
  if (!world) return exit.misuse
  const progress = openProgress(io, 'requests')
  const answers: Json[] = []
  let isAllAllowed = true
  let line = 0
  for await (const text of readLines(fromFolder(io, asked.requests))) {
    const answer = answerRequest(world, parseJsonText(text, `${asked.requests}, request ${++line}`))
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
