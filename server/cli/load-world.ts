import { resolve } from 'node:path'
import { compileProgram, type Json, parseStrictJson } from '../../policy-lang/index.ts'
import type { CommandIo } from './io.ts'
import { readPolicies, readText } from './read-policies.ts'
import { hasErrors, reportDiagnostics } from './report-diagnostics.ts'
import { UsageMistake } from './usage-mistake.ts'
import { makeWorld, type World } from './world.ts'

export type WorldFiles = {
  readonly policy: string
  /** Without it the data is empty. */
  readonly entities: string | undefined
  readonly now: number
}

/** The world of `--policy` and `--entities`; undefined after saying what is wrong with them. */
export function loadWorld({ policy, entities, now }: WorldFiles, io: CommandIo): World | undefined {
  const compiled = compileProgram(readPolicies([policy], io.folder))
  if (hasErrors(compiled.diagnostics)) {
    reportDiagnostics(compiled.diagnostics, compiled.sources, io)
    return undefined
  }
  const data = entities === undefined ? undefined : parseJsonText(readText(fromFolder(io, entities)), entities)
  const made = makeWorld(compiled, data, now)
  if (made.ok) {
    for (const warning of made.warnings.slice(0, warningsShown)) io.error(`warning: ${entities ?? ''}: ${warning}\n`)
    const more = made.warnings.length - warningsShown
    if (more > 0) io.error(`warning: ${entities ?? ''}: ${more} more of this kind\n`)
    return made.world
  }
  for (const { message } of made.refusals) io.error(`${entities ?? ''}: ${message}\n`)
  return undefined
}

/** Data has mistakes of one kind in many rows. */
const warningsShown = 20

/** JSON with exact integers; a mistake in it is a UsageMistake that says where. */
export function parseJsonText(text: string, where: string): Json {
  const parsed = parseStrictJson(text, { depth: 1000, allowNul: true })
  if (!parsed.ok) throw new UsageMistake(`${where}: ${parsed.message}`)
  return parsed.value
}

/** A path as the user means it; `-` is the standard input. */
export const fromFolder = (io: CommandIo, path: string): string => (path === '-' ? path : resolve(io.folder, path))
