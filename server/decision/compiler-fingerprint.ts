import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'

/** sha-256 over the compiler's own files: the same text may compile to something else only where it differs. */
export async function compilerFingerprint(
  folder: URL = new URL('../../policy-lang/', import.meta.url),
): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => `${parentPath}/${name}`)
  const digests = paths
    .filter((path) => /\.[jt]s$/.test(path))
    .sort()
    .map(async (path) =>
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    )
  return createHash('sha256')
    .update((await Promise.all(digests)).join('\n'))
    .digest('hex')
}
