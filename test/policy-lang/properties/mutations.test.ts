import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type CompileResult, codes, compileProgram, formatFile, renderDiagnostics } from '../../../policy-lang/index.ts'
import { readCorpus } from '../../kit/corpus.ts'
import { readSets } from '../unseen/read-set.ts'
import { anyRules, writeSet } from './random-set.ts'
import { patienceFor, propertyRuns } from './runs.ts'

const runs = propertyRuns('mutations', 300)
const patience = patienceFor(runs.numRuns)

/** Valid texts: the corpus, the unseen sets, generated ones. */
const texts = [...readCorpus().map(({ text }) => text), ...readSets().flatMap(({ files }) => Object.values(files))]
const anyText = fc.oneof(
  fc.constantFrom(...texts),
  anyRules.map((rules) => writeSet(rules)),
)

/** Nothing but diagnostics, each with a code and a place inside its file; no program and no error never go together. */
function isOrderly(text: string | Uint8Array): void {
  const result = compileProgram([{ path: 'set.fbac', text }])
  const errors = result.diagnostics.filter(({ severity }) => severity === 'error')
  expect(result.program === undefined).toBe(errors.length > 0)
  for (const found of result.diagnostics) isLocated(found, result)
  expect(typeof renderDiagnostics(result.diagnostics, result.sources)).toBe('string')
}

function isLocated({ code, span, message, notes }: CompileResult['diagnostics'][number], { sources }: CompileResult) {
  expect(Object.hasOwn(codes, code)).toBe(true)
  expect(message).not.toBe('')
  for (const place of [span, ...notes.flatMap((note) => note.span ?? [])]) {
    const source = sources.find(({ id }) => id === place.file)
    expect(source).toBeDefined()
    expect(place.start).toBeGreaterThanOrEqual(0)
    expect(place.end).toBeGreaterThanOrEqual(place.start)
    expect(place.end).toBeLessThanOrEqual(source?.text.length ?? 0)
  }
}

/** Tokens, roughly: enough to put right words in wrong places. */
const tokensOf = (text: string): readonly string[] => text.match(/\s+|\w+|"[^"\n]*"|[^\s\w]/g) ?? []

type Edit = { readonly at: number; readonly length: number; readonly from: number; readonly kind: number }
const anyEdits = fc.array(fc.record({ at: fc.nat(), length: fc.nat(6), from: fc.nat(), kind: fc.nat(4) }), {
  minLength: 1,
  maxLength: 4,
})

/** Drops, doubles, copies from elsewhere, swaps, or puts in something foreign. */
function edited<T>(list: readonly T[], edits: readonly Edit[], foreign: readonly T[]): readonly T[] {
  let parts = [...list]
  for (const { at, length, from, kind } of edits) {
    const place = at % (parts.length + 1)
    const piece = parts.slice(place, place + length + 1)
    const other = parts.slice(from % (parts.length + 1)).slice(0, length + 1)
    const put =
      [[], [...piece, ...piece], other, [...piece].reverse(), foreign.slice(from % foreign.length).slice(0, 1)][kind] ??
      []
    parts = [...parts.slice(0, place), ...put, ...parts.slice(place + (kind === 4 ? 0 : length + 1))]
  }
  return parts
}

const foreignTokens = [
  '@',
  '"',
  '(',
  ')',
  '{',
  '}',
  '[',
  '<',
  '::',
  '?.',
  '??',
  '\n',
  ' minus ',
  ' all ',
  ' if ',
  'allow ',
  '0',
  '1.5',
  '9'.repeat(30),
  '😀',
  '\u202e',
  '\u0000',
  'fields ',
  ' to ',
  '|',
  '=',
  '\\u{110000}',
]
const foreignBytes = [0, 0x0a, 0x0d, 0x20, 0x22, 0x28, 0x5b, 0x7b, 0x7d, 0x7f, 0xc0, 0xe2, 0xed, 0xff]

describe('mutations of valid texts (SPEC 1.6, 2.1)', () => {
  test(
    'of tokens: never a crash, always located diagnostics',
    () => {
      fc.assert(
        fc.property(anyText, anyEdits, (text, edits) => {
          isOrderly(edited(tokensOf(text), edits, foreignTokens).join(''))
        }),
        runs,
      )
    },
    patience,
  )

  test(
    'of bytes: never a crash, always located diagnostics',
    () => {
      const encoder = new TextEncoder()
      fc.assert(
        fc.property(anyText, anyEdits, (text, edits) => {
          isOrderly(Uint8Array.from(edited([...encoder.encode(text)], edits, foreignBytes)))
        }),
        runs,
      )
    },
    patience,
  )

  test(
    'what still can be formatted keeps its meaning',
    () => {
      fc.assert(
        fc.property(anyText, anyEdits, (text, edits) => {
          const changed = edited(tokensOf(text), edits, foreignTokens).join('')
          const formatted = formatFile(changed)
          if (formatted.diagnostics.some(({ severity }) => severity === 'error')) return
          const [before, after] = [changed, formatted.text].map((each) =>
            compileProgram([{ path: 'set.fbac', text: each }]),
          )
          expect(after?.program?.hash).toBe(before?.program?.hash)
          expect(formatFile(formatted.text).text).toBe(formatted.text)
        }),
        runs,
      )
    },
    patience,
  )
})
