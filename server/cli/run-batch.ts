import { parseStrictJson, writeJson } from '../../policy-lang/index.ts'
import { answerCase, type CaseAnswer } from './answer-case.ts'
import { openWorkers } from './batch-workers.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { openProgress } from './progress.ts'
import { readLines } from './read-lines.ts'

/**
 * One line in, one line out, in the order of the input, as each is done. At most a few cases per worker are held, whatever the
 * length of the file. Exit 0 unless a case failed by a defect of ours.
 */
export async function runBatch(
  batch: { readonly file: string; readonly jobs: number; readonly now: number },
  io: CommandIo,
): Promise<number> {
  const workers = batch.jobs > 1 ? openWorkers(batch.jobs, batch.now) : undefined
  const answer = async (line: string) => (workers ? await workers.answer(line) : answerLine(line, batch.now))
  const progress = openProgress(io, 'cases')
  const waiting: Promise<AnsweredLine>[] = []
  let hasFailed = false
  const write = async () => {
    const done = await waiting.shift()
    if (!done) return
    if (done.failed) hasFailed = true
    await io.out(`${done.text}\n`)
    progress.step()
  }
  try {
    for await (const line of readLines(batch.file)) {
      waiting.push(answer(line))
      if (waiting.length >= batch.jobs * 4) await write()
    }
    while (waiting.length > 0) await write()
  } finally {
    await workers?.close()
    progress.end()
  }
  return hasFailed ? exit.no : exit.fine
}

export type AnsweredLine = { readonly text: string; readonly failed: boolean }

export function answerLine(line: string, now: number): AnsweredLine {
  const parsed = parseStrictJson(line, { depth: 1000, allowNul: true })
  const answer: CaseAnswer = parsed.ok
    ? answerCase(parsed.value, now)
    : { id: null, status: 'refused', refusals: [{ code: 'invalid-case', message: parsed.message }] }
  return { text: writeJson(answer), failed: answer.status === 'failed' }
}
