import type { Logger } from 'pino'
import {
  actionKey,
  type Externs,
  type ExternType,
  factsOf,
  type Json,
  type Program,
  type Request,
  readValue,
  type Value,
  writeJson,
  writeValue,
} from '../../policy-lang/index.ts'
import type { ExternBinding } from './extern-binding.ts'
import { limits } from './limits.ts'

/** Fetches what `extern fn`s answer, before evaluation (SPEC 3.16). */
export type ExternCalls = {
  /** Throws for a name that is bound already: decisions must not depend on which came last. */
  bind(bindings: readonly ExternBinding[]): void
  /** Can the decision depend on an extern? Asked once for each action and pair of types of a program. */
  areUsed(program: Program, request: Request): boolean
  open(place: { readonly tenantId: string; readonly program: Program }): OpenExterns
}
/** The calls of one question or batch: each is made once. */
export type OpenExterns = {
  /** For the evaluator; a call that has not been made is noted, and fails for now. */
  readonly value: Externs
  /** How often a value was asked for whose call has not been made. */
  readonly misses: number
  /** Makes them, all at once, each with its deadline. Never throws: what goes wrong is a failed extern. */
  load(): Promise<void>
}

export function createExternCalls(log: Logger): ExternCalls {
  const bound = new Map<string, ExternBinding>()
  const used = new WeakMap<Program, Map<string, boolean>>()
  return {
    bind(bindings) {
      for (const binding of bindings) {
        if (bound.has(binding.name)) throw new Error(`two bindings of the extern ${binding.name}`)
        bound.set(binding.name, binding)
      }
    },
    areUsed(program, { action, subject, resource }) {
      if (program.externs.size === 0) return false
      const answers = used.get(program) ?? new Map<string, boolean>()
      used.set(program, answers)
      const key = `${action}\u0000${resource.type}\u0000${subject.type}`
      const known = answers.get(key)
      if (known !== undefined) return known
      // Names that the schema does not have are not remembered: a caller cannot fill the memory.
      if (!program.actions.has(actionKey(action, resource.type)) || !program.entityTypes.has(subject.type)) return true
      const answer = factsOf(program, action, subject.type, resource.type).externs.length > 0
      answers.set(key, answer)
      return answer
    },
    open: (place) => openExterns({ ...place, bound, log }),
  }
}

type Call = { readonly name: string; readonly args: readonly Json[]; readonly declared: ExternType }
type Opened = {
  readonly tenantId: string
  readonly program: Program
  readonly bound: ReadonlyMap<string, ExternBinding>
  readonly log: Logger
}

function openExterns(opened: Opened): OpenExterns {
  const answers = new Map<string, Value | undefined>()
  const noted = new Map<string, Call>()
  let misses = 0
  return {
    value(name, args) {
      const declared = opened.program.externs.get(name)
      if (!declared) return undefined
      const json = args.map((arg, at) => writeValue(arg, declared.params[at]?.field.type))
      const key = `${name} ${writeJson(json)}`
      if (answers.has(key)) return answers.get(key)
      // More calls than one request may make fail like those that come too late.
      if (!noted.has(key) && answers.size + noted.size >= limits.externCalls) return undefined
      noted.set(key, { name, args: json, declared })
      misses += 1
      return undefined
    },
    get misses() {
      return misses
    },
    async load() {
      const calls = [...noted]
      noted.clear()
      const made = calls.map(async ([key, call]) => answers.set(key, await callExtern(opened, call)))
      await Promise.all(made)
    },
  }
}

/** The value, or undefined: not bound, late, thrown, or of another type than declared (SPEC 5.7). */
async function callExtern({ tenantId, bound, log }: Opened, call: Call): Promise<Value | undefined> {
  const { name, args, declared } = call
  const binding = bound.get(name)
  const fail = (why: string, error?: unknown): undefined => {
    log.warn({ extern: name, tenantId, why, ...(error === undefined ? {} : { err: error }) }, 'an extern failed')
    return undefined
  }
  if (!binding) return fail('not-bound')
  const deadline = new AbortController()
  const late = Promise.withResolvers<typeof isLate>()
  const timer = setTimeout(() => {
    deadline.abort()
    late.resolve(isLate)
  }, declared.withinMilliseconds)
  try {
    const answering = (async () => binding.call(args, { tenantId, signal: deadline.signal }))()
    const answer = await Promise.race([answering, late.promise])
    if (answer === isLate) return fail('late')
    return readValue(answer, declared.returns) ?? fail('wrong-type')
  } catch (error) {
    return fail('threw', error)
  } finally {
    clearTimeout(timer)
  }
}

const isLate = Symbol('late')
