import { createHash } from 'node:crypto'
import {
  type CompileResult,
  compileProgram,
  createEvaluator,
  type Diagnostic,
  type Evaluator,
  type Program,
  type SourceFile,
} from '../../policy-lang/index.ts'
import { limits } from './limits.ts'
import type { PolicySource } from './policies.ts'

/** A composed program with its evaluator, or the diagnostics that stand in its way. */
export type Compiled = {
  readonly version: string
  readonly evaluator?: Evaluator
  readonly diagnostics: readonly Diagnostic[]
  readonly sources: readonly SourceFile[]
}

/** Compiles composed sources once per content; the evaluators found again by their program. */
export type PolicyCompiler = {
  compile(sources: readonly PolicySource[]): Compiled
  evaluatorOf(program: Program): Evaluator
}

export function createPolicyCompiler(): PolicyCompiler {
  const byContent = new Map<string, Compiled>()
  // Items that stand in several compositions are parsed once.
  let memory: CompileResult['memory'] | undefined
  const evaluators = new WeakMap<Program, Evaluator>()
  return {
    compile(sources) {
      const version = contentOf(sources)
      const known = byContent.get(version)
      if (known) return known
      const { program, diagnostics, sources: files, memory: read } = compileProgram(sources, memory ? { memory } : {})
      memory = read
      const evaluator = program && createEvaluator(program)
      if (evaluator) evaluators.set(evaluator.program, evaluator)
      const compiled = { version, diagnostics, sources: files, ...(evaluator ? { evaluator } : {}) }
      if (byContent.size >= limits.compiledPrograms) byContent.delete(byContent.keys().next().value ?? '')
      byContent.set(version, compiled)
      return compiled
    },
    evaluatorOf(program) {
      const known = evaluators.get(program)
      if (known) return known
      const made = createEvaluator(program)
      evaluators.set(program, made)
      return made
    },
  }
}

/** sha-256 over sorted (layer, organization, path, text): the same files in any order are the same version. */
function contentOf(sources: readonly PolicySource[]): string {
  const hash = createHash('sha256')
  const rows = sources.map(({ layer, organization = '', path, text }) =>
    JSON.stringify([layer, organization, path, text]),
  )
  for (const row of rows.sort()) hash.update(row).update('\n')
  return hash.digest('hex')
}
