import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from '@jest/globals'
import { createEntityStore, type Evaluator, type Program } from '../../../policy-lang/index.ts'
import { createPolicyCompiler } from '../../../server/decision/compile-policies.ts'
import type { PolicySource } from '../../../server/decision/policies.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const base: PolicySource = {
  path: 'base.fbac',
  layer: 'module',
  text: `module notes

import User from "writ:identity"

entity Note {
  size: Int
}

action read, edit on Note by User
`,
}
/** A tenant that lets its users read notes up to a size, and edit those of size 1. */
const sourcesOf = (size: number): readonly PolicySource[] => [
  base,
  {
    path: 'set/notes.fbac',
    layer: 'tenant',
    text: `allow read on n: Note to User\n  when n.size <= ${size}\n\nallow edit on n: Note to User\n  when n.size == 1\n`,
  },
]

/** Sizes of notes that may be read, of 0 to 4. */
function readable({ program, decide }: Evaluator): readonly number[] {
  const store = createEntityStore(program)
  const sizes = [0, 1, 2, 3, 4]
  for (const size of sizes) store.putEntity({ uid: note(size), attributes: new Map([['size', size]]) })
  const subject = { kind: 'entity', type: 'User', id: 'u' } as const
  const may = (action: string, size: number) =>
    decide(store, { subject, action, resource: note(size), context: new Map() }, { now: 0 }).decision
  return sizes.filter((size) => may('read', size) && may('edit', 1) && !may('edit', 2))
}
const note = (size: number) => ({ kind: 'entity', type: 'Note', id: String(size) }) as const

function evaluatorOf(compiler: ReturnType<typeof createPolicyCompiler>, size: number, tenant: string): Evaluator {
  const { evaluator, diagnostics } = compiler.compile(sourcesOf(size), tenant)
  if (!evaluator) throw new Error(diagnostics[0]?.message)
  return evaluator
}

describe('policies of tenants, compiled again and again', () => {
  test('each tenant has the rules of its own last set, whoever compiled before it', () => {
    const compiler = createPolicyCompiler()
    for (const size of [0, 1, 2, 3]) {
      expect(readable(evaluatorOf(compiler, size, 'a'))).toEqual([0, 1, 2, 3, 4].slice(0, size + 1))
      expect(readable(evaluatorOf(compiler, 3 - size, 'b'))).toEqual([0, 1, 2, 3, 4].slice(0, 4 - size))
    }
  })

  test('what an edit does not touch is taken over, also past a set with mistakes', () => {
    const compiler = createPolicyCompiler()
    const before = evaluatorOf(compiler, 1, 'a')
    readable(before)
    const [, own] = sourcesOf(1)
    if (!own) throw new Error('no set')
    const wrong = compiler.compile([base, { ...own, text: own.text.replace('size <= 1', 'size <=') }], 'a')
    expect(wrong.evaluator).toBeUndefined()
    const after = evaluatorOf(compiler, 2, 'a')
    expect(readable(after)).toEqual([0, 1, 2])
    const [edit, read] = ['edit', 'read'].map((action) => `${action}\u0000Note\u0000User`)
    expect(after.memory.partitions.get(edit ?? '')).toBe(before.memory.partitions.get(edit ?? ''))
    expect(after.memory.partitions.get(read ?? '')).not.toBe(before.memory.partitions.get(read ?? ''))
  })

  test('tenants that compiled long ago are forgotten', async () => {
    const compiler = createPolicyCompiler()
    const programs = Array.from(
      { length: 100 },
      (_, at): WeakRef<Program> => new WeakRef(evaluatorOf(compiler, at, `t${at}`).program),
    )
    await new Promise((done) => setImmediate(done))
    collect()
    expect(programs.slice(0, 30).flatMap((program, at) => (program.deref() ? at : []))).toEqual([])
    expect(programs.at(-1)?.deref()).toBeDefined()
  })
})
