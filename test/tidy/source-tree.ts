import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export type SourceText = {
  readonly path: string
  readonly text: string
  readonly lines: number
  readonly imports: readonly Import[]
}
/** `target` is a path from the root for our own files, else the package or `node:` name. */
export type Import = {
  readonly target: string
  readonly own: boolean
  readonly typeOnly: boolean
  readonly dynamic: boolean
}

/** Every file of the tree that Git would keep: tracked, or new and not ignored. */
export function listFiles(): string[] {
  const out = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  return out.split('\n').filter((path) => path !== '' && existsSync(join(root, path)))
}

/** All TypeScript of the tree with its imports. */
export function readSources(): SourceText[] {
  return listFiles()
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      return { path, text, lines: text.split('\n').length - 1, imports: importsOf(path, text) }
    })
}

const statement = /^(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm
const dynamicImport = /\bimport\(\s*'([^']+)'\s*\)/g
const urlReference = /new URL\(\s*'(\.[^']+\.ts)'\s*,\s*import\.meta\.url\s*\)/g

function importsOf(path: string, text: string): Import[] {
  const found: Import[] = []
  const add = (specifier: string, typeOnly: boolean, dynamic: boolean) => {
    const own = specifier.startsWith('.')
    const target = own ? relative(root, resolve(root, dirname(path), specifier)) : specifier
    found.push({ target, own, typeOnly, dynamic })
  }
  for (const match of text.matchAll(statement)) if (match[2]) add(match[2], match[1] !== undefined, false)
  for (const match of text.matchAll(dynamicImport)) if (match[1]) add(match[1], false, true)
  for (const match of text.matchAll(urlReference)) if (match[1]) add(match[1], false, true)
  return found
}

/** First folder, or the file itself at the top: `policy-lang`, `server`, `main.ts`. */
export const areaOf = (path: string): string => path.split('/')[0] ?? path
