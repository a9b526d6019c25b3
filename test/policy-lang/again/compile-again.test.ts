import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  type CompileMemory,
  type CompileResult,
  compileProgram,
  createEntityStore,
  createEvaluator,
  diagnosticsToJson,
  type Evaluator,
  type EvaluatorMemory,
  type Program,
  runTests,
} from '../../../policy-lang/index.ts'
import { createLocate } from '../../../policy-lang/source/places.ts'
import { anyEdit, applyEdit, type Edit, startingSets } from './random-edits.ts'

const chains = Number(process.env.WRIT_EDIT_RUNS ?? 2000) / 5
const chain = fc.array(anyEdit, { minLength: 5, maxLength: 5 })
const start = fc.nat(startingSets.length - 1)

/** Everything that a program says, with every span where it stands in its file. */
function textOf(program: Program | undefined): string {
  const locate = createLocate(program?.places ?? [])
  return JSON.stringify(program, (key, value) => {
    if (key === 'places') return undefined
    if (key === 'span') return locate(value)
    if (typeof value === 'bigint') return `${value}n`
    return value instanceof Map ? [...value] : value
  })
}

const saidBy = ({ diagnostics, sources, program }: CompileResult) => ({
  diagnostics,
  places: diagnosticsToJson(diagnostics, sources),
  sources,
  hash: program?.hash,
  sourceVersion: program?.sourceVersion,
})

/** Answers of an evaluator: to the tests of the set, and to one question about each partition. */
function answersOf({ program, decide }: Evaluator) {
  const store = createEntityStore(program)
  const types = [...program.entityTypes.keys()].slice(0, 4)
  const asked = [...program.actions.values()].slice(0, 12).flatMap(({ name, resourceType }) =>
    [...types, 'Anonymous'].map((type) => {
      const subject = { kind: 'entity', type, id: type === 'Anonymous' ? '' : 'x' } as const
      const resource = { kind: 'entity', type: resourceType, id: 'x' } as const
      return decide(store, { subject, action: name, resource, context: new Map() }, { now: 0 })
    }),
  )
  return { asked, tests: runTests(program, decide) }
}

describe('a compilation that knows an earlier one (SPEC 7.1.1)', () => {
  test('says and makes what one that knows nothing says and makes, whatever was edited', () => {
    fc.assert(
      fc.property(start, chain, (first, edits) => {
        let files = startingSets[first] ?? []
        let memory: CompileMemory | undefined
        let before: EvaluatorMemory | undefined
        for (const edit of [nothing, ...edits]) {
          files = applyEdit(files, edit)
          const again = compileProgram(files, memory ? { memory } : {})
          const fresh = compileProgram(files)
          expect(saidBy(again)).toEqual(saidBy(fresh))
          expect(textOf(again.program) === textOf(fresh.program)).toBe(true)
          memory = again.memory
          if (!again.program || !fresh.program) continue
          const evaluator = createEvaluator(again.program, before ? { memory: before } : {})
          expect(answersOf(evaluator)).toEqual(answersOf(createEvaluator(fresh.program)))
          before = evaluator.memory
        }
      }),
      { numRuns: chains },
    )
  }, 600_000)

  const module = `module notes\n\nimport User from "writ:identity"\n\nentity Note {\n}\n\naction read on Note by User\n`
  const rule = '\nallow read on n: Note to User\n'
  const flowing = (action: string, effect: string, id = 'y') =>
    `${module}
action edit on Note by User with { x: Int } implies read

@id("${id.slice(0, 1)}")
${effect} ${action} on n: Note to User
  when ${action === 'edit' ? 'context.x' : '1'} == ${id.length}
`
  test.each([
    ['a rule above the module', module + rule, `${rule.trim()}\n\n${module}`],
    ['the rule above the module is gone', `${rule.trim()}\n\n${module}`, module],
    ['an item joined to the one above', `${module}${rule}`, `${module.trimEnd()} ${rule.trimStart()}`],
    ['an item that becomes a line of the one above', `${module}// c${rule}`, `${module}// c\n  ${rule.trimStart()}`],
    ['marks above the item below', `${module}${rule}`, `${module}\n@id("x")${rule}`],
    ['a document above the item below', `${module}${rule}`, `${module}/// why\n${rule}`],
    ['all of it gone', `${module}${rule}`, ''],
    ['a named rule of another action', flowing('read', 'allow'), flowing('edit', 'allow')],
    ['a named rule of another effect', flowing('read', 'allow'), flowing('read', 'deny')],
    ['a rule that does not flow', flowing('edit', 'allow', 'x'), flowing('edit', 'allow', 'xx')],
  ])('is the same after one edit: %s', (_, before, after) => {
    const { memory } = compileProgram([{ path: 'a.fbac', text: before }])
    const files = [{ path: 'a.fbac', text: after }]
    const [again, fresh] = [compileProgram(files, { memory }), compileProgram(files)]
    expect(saidBy(again)).toEqual(saidBy(fresh))
    expect(textOf(again.program)).toBe(textOf(fresh.program))
  })
})

const nothing: Edit = { kind: 'nothing', file: 0, at: 0, count: 0, other: 0, put: '' }
