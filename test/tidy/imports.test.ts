import { describe, expect, test } from '@jest/globals'
import { areaOf, readSources, type SourceText } from './source-tree.ts'

const sources = readSources()
const product = sources.filter((file) => !file.path.startsWith('test/'))

/**
 * Who may import whom (ARCHITECTURE.md, "Imports go one way"). A door is the only file of an area that another may name;
 * a pattern names several. Whatever is not listed is refused.
 */
const allowed: { readonly [from: string]: readonly { readonly to: RegExp; readonly typeOnly?: boolean }[] } = {
  'policy-lang': [{ to: /^policy-lang\// }],
  adapters: [{ to: /^adapters\// }],
  server: [
    { to: /^server\// },
    { to: /^policy-lang\/(index|run)\.ts$/ },
    // Ports are types and the errors that cross them; tests and the composition root choose the implementation.
    { to: /^adapters\/[a-z-]+\/port\.ts$/ },
  ],
  platform: [{ to: /^platform\// }, { to: /^server\/module\.ts$/ }, { to: /^adapters\/[a-z-]+\/port\.ts$/ }],
  'main.ts': [{ to: /./ }],
  'areas.ts': [{ to: /^(server|platform)\// }],
}

/** Files outside main.ts that wire implementations together, each with its reason. */
const wiring: { readonly [path: string]: string } = {
  'server/start.ts': 'the composition of a running server, shared by main.ts and the test kit',
  'server/maintenance.ts': 'the same database for writ migrate and writ doctor, without a server',
}

const isAllowed = (from: SourceText, target: string): boolean => {
  if (wiring[from.path]) return true
  const rows = allowed[areaOf(from.path)] ?? []
  return rows.some((row) => row.to.test(target))
}

describe('imports go one way (ARCHITECTURE.md)', () => {
  test('every import between areas stands in the table', () => {
    const wrong = product.flatMap((file) =>
      file.imports
        .filter((entry) => entry.own && !isAllowed(file, entry.target))
        .map((entry) => `${file.path} → ${entry.target}`),
    )
    expect(wrong).toEqual([])
  })

  test('modules never import the inside of another module', () => {
    const moduleOf = (path: string) => path.split('/').slice(0, 2).join('/')
    const wrong = product
      .filter((file) => file.path.startsWith('platform/') && file.path.split('/').length > 2)
      .flatMap((file) =>
        file.imports
          .filter(
            (entry) =>
              entry.own && entry.target.startsWith('platform/') && moduleOf(entry.target) !== moduleOf(file.path),
          )
          .map((entry) => `${file.path} → ${entry.target}`),
      )
    expect(wrong).toEqual([])
  })

  test('policy-lang does no input or output: nearley, moo and hashing only', () => {
    const pure = new Set(['nearley', 'moo', 'node:crypto'])
    const wrong = product
      .filter((file) => file.path.startsWith('policy-lang/'))
      .flatMap((file) =>
        file.imports
          .filter((entry) => !entry.own && !pure.has(entry.target))
          .map((entry) => `${file.path} → ${entry.target}`),
      )
    expect(wrong).toEqual([])
  })

  test('every own import leads to a file', () => {
    const paths = new Set(sources.map((file) => file.path))
    const wrong = sources.flatMap((file) =>
      file.imports
        .filter(
          (entry) =>
            entry.own && entry.target.endsWith('.ts') && !entry.target.startsWith('..') && !paths.has(entry.target),
        )
        .map((entry) => `${file.path} → ${entry.target}`),
    )
    expect(wrong).toEqual([])
  })

  test('no import cycle that runs (cycles of types alone are harmless)', () => {
    expect(findCycle(product)).toBeUndefined()
  })
})

/** One cycle of value imports, as `a → b → a`, or undefined. */
function findCycle(files: readonly SourceText[]): string | undefined {
  const edges = new Map(
    files.map((file) => [file.path, file.imports.filter((entry) => entry.own && !entry.typeOnly && !entry.dynamic)]),
  )
  const state = new Map<string, 'open' | 'done'>()
  const trail: string[] = []
  const visit = (path: string): string | undefined => {
    if (state.get(path) === 'done') return undefined
    if (state.get(path) === 'open') return [...trail.slice(trail.indexOf(path)), path].join(' → ')
    state.set(path, 'open')
    trail.push(path)
    for (const entry of edges.get(path) ?? []) {
      const cycle = visit(entry.target)
      if (cycle) return cycle
    }
    trail.pop()
    state.set(path, 'done')
    return undefined
  }
  for (const path of edges.keys()) {
    const cycle = visit(path)
    if (cycle) return cycle
  }
  return undefined
}
