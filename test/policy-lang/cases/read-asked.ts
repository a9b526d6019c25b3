import { readdirSync, readFileSync } from 'node:fs'
import type { Json, Program } from '../../../policy-lang/index.ts'
import { compileProgram, createEntityStore, parseStrictJson, readData } from '../../../policy-lang/index.ts'
import { isArray, isObject } from '../../../policy-lang/runtime/read-value.ts'

export type Members = { readonly [name: string]: Json }

export const membersOf = (json: Json | undefined): Members => (isObject(json) ? json : {})
export const textOf = (json: Json | undefined): string => (typeof json === 'string' ? json : '')
const listOf = (json: Json | undefined): readonly Json[] => (isArray(json) ? json : [])

/** Policies of `asked/`, and beside each, a line each, data and questions with the members of the answer that matter. */
export function readAsked() {
  const folder = new URL('asked/', import.meta.url)
  const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))
  return names.sort().map((name) => ({ name, ...readFile(folder, name) }))
}

function readFile(folder: URL, name: string) {
  const lines = readFileSync(new URL(name, folder), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line, index) => {
      const parsed = parseStrictJson(line)
      if (!parsed.ok) throw new Error(`${name}:${index + 1}: ${parsed.message}`)
      return membersOf(parsed.value)
    })
  const every = (kind: string) => lines.flatMap((line) => line[kind] ?? [])
  const file = {
    now: every('now')[0] ?? '',
    data: { entities: every('entity'), tuples: every('tuple') },
    permissions: every('permission'),
    cases: every('case'),
  }
  const path = name.replace('.jsonl', '.fbac')
  return { file, compiled: compileProgram([{ path, text: readFileSync(new URL(path, folder), 'utf8') }]) }
}

/** The store of a file; what the data itself is refused for is compared by the case that expects it. */
export function storeOf(program: Program, file: Members) {
  const store = createEntityStore(program)
  const { entities, tuples, problems } = readData(program, file.data)
  const refused = [
    ...entities.flatMap((entity) => store.putEntity(entity)),
    ...tuples.flatMap((tuple) => store.putTuple(tuple)),
  ]
  for (const row of listOf(file.permissions).map(membersOf)) {
    const permissions = listOf(row.permissions).map(membersOf)
    store.putRolePermissions(
      textOf(row.type),
      textOf(row.role),
      permissions.map((each) => ({ action: textOf(each.action), resourceType: textOf(each.resourceType) })),
    )
  }
  return { store, problems: [...problems, ...refused].map(({ code }) => code) }
}
