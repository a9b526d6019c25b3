import type { PlacedFile } from '../resolve/units.ts'
import type { SourceFile } from '../source/span.ts'
import { sha256 } from './canonical.ts'

/** Raised whenever the same text may compile to something else. */
const compilerVersion = 'fbac 1'

/** sha-256 over sorted (module, path, bytes with LF) and the compiler's version; the schema is part of the files (SPEC 6). */
export function sourceVersion(placed: readonly PlacedFile[], sources: readonly SourceFile[]): string {
  const rows = placed.map((file, index) => {
    const first = file.file.items[0]
    const module = file.module ?? (first?.kind === 'module' ? first.name.text : null)
    return JSON.stringify([
      module,
      file.layer ?? null,
      file.organization ?? null,
      file.path,
      sources[index]?.text ?? '',
    ])
  })
  return sha256([compilerVersion, ...rows.sort()].join('\n'))
}
