import {
  type CompileMemory,
  type CompileResult,
  compileProgram,
  createEvaluator,
  type Evaluator,
  type EvaluatorMemory,
  type PolicyFile,
} from '../../policy-lang/index.ts'

/** Compiles the same files again and again, each time only what has changed since the last. */
export type Compiler = (files: readonly PolicyFile[]) => Compiled
type Compiled = Pick<CompileResult, 'diagnostics' | 'sources'> & { readonly evaluator?: Evaluator }

export function createCompiler(edition: number): Compiler {
  let known: { readonly memory: CompileMemory } | undefined
  let before: { readonly memory: EvaluatorMemory } | undefined
  return (files) => {
    const { program, diagnostics, sources, memory } = compileProgram(files, { ...known, edition })
    known = { memory }
    if (!program) return { diagnostics, sources }
    const evaluator = createEvaluator(program, before)
    before = { memory: evaluator.memory }
    return { diagnostics, sources, evaluator }
  }
}
