import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { listFiles, readSources, root } from './source-tree.ts'

const files = listFiles()
const sources = readSources()
const product = sources.filter((file) => !file.path.startsWith('test/'))

const topFolders = new Set(['server', 'policy-lang', 'adapters', 'platform', 'test', 'docs', 'deploy', '.ci'])

/** Files that may be longer than 500 lines, each with its reason. */
const longFiles: { readonly [path: string]: string } = {}

describe('files (house style)', () => {
  test('top-level folders are the fixed ones', () => {
    const folders = new Set(files.filter((path) => path.includes('/')).map((path) => path.split('/')[0] ?? ''))
    expect([...folders].filter((folder) => !topFolders.has(folder))).toEqual([])
  })

  test('file names are kebab-case', () => {
    const wrong = sources
      .map((file) => file.path)
      .filter((path) => !/^[a-z0-9-]+(\.test)?\.ts$/.test(path.split('/').at(-1) ?? ''))
    expect(wrong).toEqual([])
  })

  test('no file or folder is called utils, helpers, common, misc, types, shared, manager or service', () => {
    const vague = /(^|\/)(utils?|helpers?|common|misc|shared|managers?|services?)(\.ts|\/)/
    const wrong = product.map((file) => file.path).filter((path) => vague.test(path))
    expect(wrong).toEqual([])
  })

  test('no source file is longer than 500 lines', () => {
    const wrong = sources
      .filter((file) => file.lines > 500 && !longFiles[file.path])
      .map((file) => `${file.path}: ${file.lines}`)
    expect(wrong).toEqual([])
  })

  test('half of the product files have at most 130 lines', () => {
    const lines = product.map((file) => file.lines).sort((a, b) => a - b)
    expect(lines[Math.floor(lines.length / 2)]).toBeLessThanOrEqual(130)
  })

  test('no barrel: no `export *`', () => {
    expect(sources.filter((file) => /^export \*/m.test(file.text)).map((file) => file.path)).toEqual([])
  })

  test('no file is dead: each is imported, run by name, or a test', () => {
    const used = new Set(
      sources.flatMap((file) => file.imports.filter((entry) => entry.own).map((entry) => entry.target)),
    )
    const manifest = readFileSync(join(root, 'package.json'), 'utf8')
    const dead = sources
      .map((file) => file.path)
      .filter((path) => !used.has(path) && !path.endsWith('.test.ts') && path !== 'main.ts' && !manifest.includes(path))
    expect(dead).toEqual([])
  })

  test('every top folder and module explains itself in a README of at most 60 lines', () => {
    const modules = new Set(
      files.filter((path) => /^platform\/[^/]+\//.test(path)).map((path) => path.split('/').slice(0, 2).join('/')),
    )
    const wrong = ['policy-lang', 'server', 'adapters', 'platform', 'test', ...modules].filter((folder) => {
      const path = join(root, folder, 'README.md')
      return !existsSync(path) || readFileSync(path, 'utf8').split('\n').length > 61
    })
    expect(wrong).toEqual([])
  })

  test('no test is skipped or singled out', () => {
    const wrong = sources.filter(
      (file) =>
        file.path.endsWith('.test.ts') &&
        /\b(test|it|describe)\.(skip|only|todo)\b|\bx(it|test|describe)\(/.test(file.text),
    )
    expect(wrong.map((file) => file.path)).toEqual([])
  })

  test('nothing names a machine: no absolute paths of a developer, no registry hosts', () => {
    const machine = /\/work\/(main|shared)|\/root\/|registry\.npmjs/
    const texts = files.filter(
      (path) => /\.(ts|mjs|md|json|ya?ml|fbac|sh)$|^\.ci\//.test(path) && !path.startsWith('test/tidy/'),
    )
    expect(texts.filter((path) => machine.test(readFileSync(join(root, path), 'utf8')))).toEqual([])
  })
})
