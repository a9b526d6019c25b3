import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { SourceFile } from '../../policy-lang/index.ts'

const folders = ['../cases/examples/', '../../server/policy/']

/** Every policy file that the language must accept: the six example domains and the server's own sets. */
export function readCorpus(): SourceFile[] {
  const paths = folders.flatMap((folder) => {
    const path = fileURLToPath(new URL(folder, import.meta.url))
    return readdirSync(path)
      .filter((name) => name.endsWith('.fbac'))
      .map((name) => ({ name, text: readFileSync(path + name, 'utf8') }))
  })
  return paths.map(({ name, text }, id) => ({ id, path: name, text }))
}
