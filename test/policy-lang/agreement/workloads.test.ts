import { describe, expect, test } from '@jest/globals'
import { createEvaluator, interpret } from '../../../policy-lang/index.ts'
import { prepare, readWorkload, rename, workloadFiles } from '../../bench/workloads.ts'

// One hierarchy of each kind and size; the bench runs the others when it is asked for them.
const files = workloadFiles().filter((name) => /-0$|^grants/.test(name))

if (files.length === 0) {
  process.stderr.write('the bench workloads are not beside the project: their decisions are not compared\n')
  test('the workloads are absent', () => expect(workloadFiles()).toEqual([]))
} else {
  describe('bench workloads: the decision that every engine must give', () => {
    test.each(files)('%s', (file) => {
      const workload = readWorkload(file)
      if (!workload) throw new Error('listed, but not there')
      const { program, store } = prepare(workload)
      const { decide } = createEvaluator(program)
      const uid = (reference: { readonly type: string; readonly id: string }) =>
        ({ kind: 'entity', ...rename(reference) }) as const
      // The interpreter takes a millisecond for a thousand rules: a part is enough for it.
      const judged = program.rules.length > 100 ? 25 : workload.requests.length
      for (const [index, { subject, action, resource, expected }] of workload.requests.entries()) {
        const request = { subject: uid(subject), action, resource: uid(resource), context: new Map() }
        const decision = decide(store, request, { now: 0 })
        expect(decision.decision).toBe(expected === 'allow')
        if (index < judged) expect(decision).toEqual(interpret(program, store, request, { now: 0 }))
      }
    })
  })
}
