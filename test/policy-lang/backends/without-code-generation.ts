import { compileProgram, createEntityStore, createEvaluator } from '../../../policy-lang/index.ts'

// Run by create-evaluator.test.ts in a process that forbids code from strings.
const text =
  'module p\n\nentity Paper {\n}\naction read on Paper by anyone\n@id("open")\nallow read on Paper to anyone\n'
const { program } = compileProgram([{ path: 'p.fbac', text }])
if (!program) throw new Error('it does not compile')

function isForbidden(): boolean {
  try {
    return new Function('return false')() as boolean // it returns false
  } catch {
    return true
  }
}
const request = {
  subject: { kind: 'entity', type: 'Anonymous', id: '' },
  action: 'read',
  resource: { kind: 'entity', type: 'Paper', id: 'p' },
  context: new Map(),
} as const
const { decision, reasons } = createEvaluator(program).decide(createEntityStore(program), request, { now: 0 })
process.stdout.write(JSON.stringify({ forbidden: isForbidden(), decision, reasons }))
