import {
  type CompileResult,
  createEntityStore,
  createEvaluator,
  diagnosticsToJson,
  type EntityStore,
  type Evaluator,
  type Externs,
  findDangling,
  type Json,
  type Program,
  readData,
  readValue,
  type SourceFile,
  type Value,
} from '../../policy-lang/index.ts'

/** A compiled program with its data, ready for requests. */
export type World = {
  readonly program: Program
  readonly sources: readonly SourceFile[]
  readonly evaluator: Evaluator
  readonly store: EntityStore
  readonly externs: Externs
  readonly now: number
}

export type MadeWorld =
  | { readonly ok: true; readonly world: World; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly refusals: readonly Refused[] }

/** All or nothing: a mistake in the policies or an error in the data leaves no world to ask (SPEC 8). */
export function makeWorld(
  compiled: Pick<CompileResult, 'program' | 'diagnostics' | 'sources'>,
  data: Json | undefined,
  now: number,
): MadeWorld {
  const { program, diagnostics, sources } = compiled
  if (!program) {
    const errors = diagnostics.filter(({ severity }) => severity === 'error')
    const refusals = diagnosticsToJson(errors, sources).map(({ code, message, path, start }) => ({
      code,
      message,
      file: path,
      ...start,
    }))
    return { ok: false, refusals }
  }
  const read = readData(program, data)
  const store = createEntityStore(program)
  const problems = [
    ...read.problems.filter(({ severity }) => severity === 'error').map(({ path, message }) => `${path}: ${message}`),
    ...read.entities.flatMap((entity) => store.putEntity(entity)).map(({ message }) => message),
    ...read.tuples.flatMap((tuple) => store.putTuple(tuple)).map(({ message }) => message),
  ]
  if (problems.length > 0) {
    return { ok: false, refusals: problems.map((message) => ({ code: 'invalid-data', message })) }
  }
  const externs = readExterns(program, isFields(data) ? data.externs : undefined)
  const told = [...read.problems, ...findDangling(read.entities)]
  const warnings = told.map(({ path, message }) => `${path}: ${message}`)
  return { ok: true, world: { program, sources, evaluator: createEvaluator(program), store, externs, now }, warnings }
}

/** `externs` of the data: a value by name; absent, `{"fails":true}` or of another type = failed (SPEC 9). */
function readExterns(program: Program, json: Json | undefined): Externs {
  const values = new Map<string, Value>()
  for (const [name, given] of Object.entries(isFields(json) ? json : {})) {
    const extern = program.externs.get(name)
    const value = extern && !(isFields(given) && given.fails === true) ? readValue(given, extern.returns) : undefined
    if (value !== undefined) values.set(name, value)
  }
  return (name) => values.get(name)
}

/** Undefined for what is no time; `otherwise` where none is given. */
export function readNow(json: Json | undefined, otherwise: number): number | undefined {
  if (json === undefined) return otherwise
  const time = readValue(json, { kind: 'time' })
  return typeof time === 'number' ? time : undefined
}

/** One place where a case cannot be taken, in the form of import-cli.md. */
export type Refused = {
  readonly code: string
  readonly message: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

type Fields = { readonly [name: string]: Json }

export const isFields = (json: Json | undefined): json is Fields =>
  typeof json === 'object' && json !== null && !Array.isArray(json)
export const isList = (json: Json | undefined): json is readonly Json[] => Array.isArray(json)
