import { moduleItem, type PlacedFile } from '../resolve/units.ts'
import type { SourceFile } from '../source/span.ts'
import { sha256 } from './canonical.ts'

/** Raised whenever the same text may compile to something else. */
const compilerVersion = 'fbac 1'

/** sha-256 over sorted (module, path, sha-256 of bytes with LF) the edition and the compiler's version; the schema is part of the files
 *  (SPEC 6). */
export function sourceVersion(placed: readonly PlacedFile[], sources: readonly SourceFile[], edition: number): string {
  const rows = placed.map((file, index) => {
    const module = file.module ?? moduleItem(file.items)?.name.text ?? null
    const digest = sha256(sources[index]?.text ?? '')
    return JSON.stringify([module, file.layer ?? null, file.organization ?? null, file.path, digest])
  })
  return sha256([compilerVersion, `edition ${edition}`, ...rows.sort()].join('\n'))
}
