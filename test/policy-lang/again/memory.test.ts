import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from '@jest/globals'
import {
  compileProgram,
  createEntityStore,
  createEvaluator,
  diagnosticsToJson,
  type Program,
} from '../../../policy-lang/index.ts'
import { generateRules } from '../../bench/generate-rules.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** One decision of each partition. */
function askAll(program: Program, decide: ReturnType<typeof createEvaluator>['decide']): number {
  let asked = 0
  for (const { name, resourceType } of program.actions.values())
    for (const type of [...program.entityTypes.keys(), 'Anonymous']) {
      const subject = { kind: 'entity', type, id: type === 'Anonymous' ? '' : 'x' } as const
      const resource = { kind: 'entity', type: resourceType, id: 'x' } as const
      decide(createEntityStore(program), { subject, action: name, resource, context: new Map() }, { now: 0 })
      asked += 1
    }
  return asked
}

/** 40 edits of a set of 400 rules, each compiled with what the one before left. */
function editAll(edit: (text: string, turn: number) => string) {
  const text = generateRules(400)
  const compile = (edited: string, before?: Step): Step => {
    const compiled = compileProgram([{ path: 'a.fbac', text: edited }], before ? { memory: before.memory } : {})
    const { program } = compiled
    if (!program) throw new Error(JSON.stringify(compiled.diagnostics[0]))
    const evaluator = createEvaluator(program, before ? { memory: before.evaluator.memory } : {})
    return { memory: compiled.memory, evaluator, asked: askAll(program, evaluator.decide) }
  }
  let last = compile(text)
  const programs: WeakRef<Program>[] = []
  for (let turn = 0; turn < 40; turn += 1) {
    programs.push(new WeakRef(last.evaluator.program))
    last = compile(edit(text, turn), last)
  }
  return { last, programs }
}
type Step = {
  readonly memory: ReturnType<typeof compileProgram>['memory']
  readonly evaluator: ReturnType<typeof createEvaluator>
  readonly asked: number
}

const kinds: readonly (readonly [string, (text: string, turn: number) => string])[] = [
  ['one condition', (text, turn) => text.replace('n.size > 1 ', `n.size > 1${turn} `)],
  [
    'one rule more',
    (text, turn) => text.replace('@id', `deny read on n: Note to User\n  when n.size == ${turn}\n\n@id`),
  ],
  ['a declaration', (text, turn) => text.replace('hold: Bool', `hold: Bool\n  x${turn}: Int`)],
]

describe('what a compilation leaves for the next', () => {
  test.each(kinds)('holds the last set and nothing of those before it: %s', async (_, edit) => {
    const { last, programs } = editAll(edit)
    const { memory, evaluator, asked } = last
    const items = [...memory.parsed.files.values()].reduce((sum, file) => sum + file.items.length, 0)
    expect(items).toBeLessThan(430)
    expect(memory.parsed.shapes.size).toBeLessThan(200)
    expect(memory.checks.rules.items.length).toBe(evaluator.program.rules.filter((rule) => !rule.builtIn).length)
    expect(evaluator.memory.partitions.size).toBe(asked)
    // A reference is kept until the turn in which it was made ends.
    await new Promise((done) => setImmediate(done))
    collect()
    expect(programs.flatMap((program, turn) => (program.deref() ? turn : []))).toEqual([])
    expect(evaluator.program.rules.length).toBeGreaterThan(400)
  })

  test('an item that is kept does not keep the whole text of its file', () => {
    const { memory } = compileProgram([{ path: 'a.fbac', text: generateRules(20) }])
    const [first] = memory.parsed.files.values()
    expect(first?.items.map(({ text }) => text).join('\n\n')).toContain('@id("rule-19")')
    expect(first?.items.every((item) => item.text.length < 600)).toBe(true)
  })
})

describe('places after an edit that moves what stands below', () => {
  const set = `entity Document {
  size: Int
}

action read on Document by User

allow read on d: Document to User
  when d.size > 1

allow read on d: Document to User
  when d.sise > 2

test "small" {
  let ann = User {}
  let d = Document { size: 0 }
  expect allow read on d by ann
}
`
  const compile = (text: string, memory?: ReturnType<typeof compileProgram>['memory']) =>
    compileProgram([{ path: 'a.fbac', text }], memory ? { memory } : {})

  test.each([
    ['lines above', (text: string) => `// one\n// two\n\n${text}`, 14, 10],
    ['a line inside the item above', (text: string) => text.replace('d.size > 1', 'd.size >\n    1'), 12, 10],
    ['spaces inside the item', (text: string) => text.replace('when d.sise', 'when     d.sise'), 11, 14],
    ['a changed declaration', (text: string) => text.replace('size: Int', 'size: Int\n  wide: Bool'), 12, 10],
  ])('a mistake is told where it stands now: %s', (_, edit, line, column) => {
    const before = compile(set)
    expect(diagnosticsToJson(before.diagnostics, before.sources)).toMatchObject([{ start: { line: 11, column: 10 } }])
    const after = compile(edit(set), before.memory)
    expect(diagnosticsToJson(after.diagnostics, after.sources)).toMatchObject([
      { code: 'F2003', path: 'a.fbac', start: { line, column } },
    ])
  })

  test('a warning of an item that was not read again moves with it', () => {
    const text = set.replace('d.sise > 2', 'd.size > 2').replace('Int', 'Int\n  old_name?: Int')
    const before = compile(text)
    const moved = compile(`// above\n${text}`, before.memory)
    const lines = [before, moved].map(({ diagnostics, sources }) =>
      diagnosticsToJson(diagnostics, sources).map(({ code, start }) => `${code} ${start.line}`),
    )
    expect(lines).toEqual([['F9002 3'], ['F9002 4']])
  })
})
