import { isUtf8 } from 'node:buffer'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Layer } from '../../policy-lang/index.ts'
import { UsageMistake } from './usage-mistake.ts'

export type PolicyText = {
  readonly path: string
  /** Bytes where they are no UTF-8: the compiler says so at its place. */
  readonly text: string | Uint8Array
  readonly layer: Layer
  readonly organization?: string
}

/**
 * The `.fbac` files of files and folders, sorted, with the layer that a file of that place has (SPEC 6): one with a `module`
 * item is a module's, one under `organizations/<id>/` that organization's, any other the tenant's.
 */
export function readPolicies(paths: readonly string[], folder: string): PolicyText[] {
  if (paths.length === 0) throw new UsageMistake('name a policy file or folder')
  const found = [...new Set(paths.flatMap((path) => listFiles(resolve(folder, path), path)))].sort()
  if (found.length === 0) throw new UsageMistake(`no .fbac file in ${paths.join(', ')}`)
  return found.map((file) => policyText(relative(folder, file) || file, readContent(file)))
}

/** Units of all texts together. */
export const sizeOf = (policies: readonly PolicyText[]): number =>
  policies.reduce((sum, { text }) => sum + text.length, 0)

/** The rules that every tenant has from the server: its own and its modules'. */
export function readShippedPolicies(): PolicyText[] {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const own = listFiles(join(root, 'server/policy'), 'server/policy')
  const modules = readdirSync(join(root, 'platform'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, 'platform', entry.name, 'policy'))
    .filter((path) => statSync(path, { throwIfNoEntry: false }) !== undefined)
  const files = [
    ...own.map((file) => ({ file, layer: 'platform' as const })),
    ...modules.flatMap((path) => listFiles(path, path).map((file) => ({ file, layer: 'module' as const }))),
  ]
  return files.map(({ file, layer }) => ({ path: relative(root, file), text: readContent(file), layer }))
}

function listFiles(path: string, asGiven: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) throw new UsageMistake(`there is no file or folder ${asGiven}`)
  if (found.isFile()) return [path]
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
    if (entry.isDirectory()) return listFiles(join(path, entry.name), entry.name)
    return entry.isFile() && entry.name.endsWith('.fbac') ? [join(path, entry.name)] : []
  })
}

/** Text of a file that must be UTF-8. */
export function readText(file: string): string {
  const content = readContent(file)
  if (typeof content !== 'string') throw new UsageMistake(`${file} is not valid UTF-8`)
  return content
}

function readContent(file: string): string | Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new UsageMistake(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return isUtf8(bytes) ? new TextDecoder().decode(bytes) : bytes
}

/** A policy text with the layer that its place and its first item say. */
export function policyText(path: string, text: PolicyText['text']): PolicyText {
  const parts = path.split(sep)
  const at = parts.lastIndexOf('organizations')
  const organization = at >= 0 && parts.length > at + 2 ? parts[at + 1] : undefined
  if (organization !== undefined) return { path, text, layer: 'organization', organization }
  // An item begins in column 1, so a comment or an indented line cannot look like one.
  return { path, text, layer: typeof text === 'string' && /^module[ \t]/m.test(text) ? 'module' : 'tenant' }
}
