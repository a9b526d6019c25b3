import { createHash } from 'node:crypto'
import {
  type CompileMemory,
  compileProgram,
  createEvaluator,
  type Diagnostic,
  type Evaluator,
  type EvaluatorMemory,
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
  /** What has not changed since the last compilation for the tenant is not compiled again. */
  compile(sources: readonly PolicySource[], tenantId: string): Compiled
  /** Identity of the composed sources. */
  versionOf(sources: readonly PolicySource[]): string
  /** Has this process compiled them lately? */
  isKnown(version: string): boolean
  evaluatorOf(program: Program): Evaluator
}

export function createPolicyCompiler(): PolicyCompiler {
  const byContent = new Map<string, Compiled>()
  const memories = new Map<string, Memory>()
  const evaluators = new WeakMap<Program, Evaluator>()
  return {
    compile(sources, tenantId) {
      const version = contentOf(sources)
      const known = byContent.get(version)
      if (known) return known
      // What all tenants have was read for another, if not for this one.
      const memory = memories.get(tenantId) ?? [...memories.values()].at(-1)
      const { program, diagnostics, sources: files, memory: read } = compileProgram(sources, memory?.ofCompiler)
      const evaluator = program && createEvaluator(program, memory?.ofEvaluator)
      remember(memories, tenantId, {
        ofCompiler: { memory: read },
        // A set with mistakes makes no evaluator: what the last one compiled is of use once they are gone.
        ofEvaluator: evaluator ? { memory: evaluator.memory } : memory?.ofEvaluator,
      })
      if (evaluator) evaluators.set(evaluator.program, evaluator)
      const compiled = { version, diagnostics, sources: files, ...(evaluator ? { evaluator } : {}) }
      if (byContent.size >= limits.compiledPrograms) byContent.delete(byContent.keys().next().value ?? '')
      byContent.set(version, compiled)
      return compiled
    },
    versionOf: contentOf,
    isKnown: (version) => byContent.has(version),
    evaluatorOf(program) {
      const known = evaluators.get(program)
      if (known) return known
      const made = createEvaluator(program)
      evaluators.set(program, made)
      return made
    },
  }
}

type Memory = {
  readonly ofCompiler: { readonly memory: CompileMemory }
  readonly ofEvaluator: { readonly memory: EvaluatorMemory } | undefined
}

/** The tenant that compiled longest ago is forgotten first. */
function remember(memories: Map<string, Memory>, tenantId: string, memory: Memory): void {
  memories.delete(tenantId)
  memories.set(tenantId, memory)
  if (memories.size > limits.rememberedCompilations) memories.delete(memories.keys().next().value ?? '')
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
