import { describe, expect, test } from '@jest/globals'
import { writeJson } from '../../../policy-lang/index.ts'
import { makeFolder, runWrit } from '../../server/cli/run-writ.ts'
import { readSets } from './read-set.ts'

// Sets of varied domains, written from the design's page of the language without looking at the compiler.
const sets = readSets()

/** One batch with every case, as a judge would ask. */
async function answers(): Promise<
  ReadonlyMap<string, { readonly status: string; readonly answers?: readonly object[] }>
> {
  const lines = sets.flatMap(({ name, files, cases }) =>
    cases.map(({ now, data, questions }, index) =>
      writeJson({
        id: `${name} ${index}`,
        language: 'fbac',
        files,
        data,
        now,
        requests: questions.map(({ request }) => request),
      }),
    ),
  )
  const folder = makeFolder()
  try {
    folder.write({ 'cases.jsonl': lines.join('\n') })
    const { out } = await runWrit(['decide', '--batch', 'cases.jsonl'], folder.path)
    return new Map(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .map((answer) => [answer.id, answer]),
    )
  } finally {
    folder.remove()
  }
}
const answered = answers()

describe.each(sets)('$name', ({ name, folder, cases }) => {
  test('checks and tests (SPEC 6.8, 9)', async () => {
    const { code, error } = await runWrit(['test', '.'], folder)
    expect({ code, error: error.includes('error[') ? error : '' }).toEqual({ code: 0, error: '' })
  })

  cases.forEach(({ questions }, index) => {
    const answerTo = async (at: number) => {
      const answer = (await answered).get(`${name} ${index}`)
      expect(answer).toMatchObject({ status: 'ok' })
      return answer?.answers?.[at]
    }
    test.each(questions.map((question, at) => ({ ...question, at })))('$title (SPEC 5)', async ({ at, expected }) => {
      expect(await answerTo(at)).toMatchObject(expected)
    })
  })
})
