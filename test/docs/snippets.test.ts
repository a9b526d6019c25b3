import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { compileProgram, createEvaluator, formatFile, renderDiagnostics, runTests } from '../../policy-lang/index.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
]

/** Fenced blocks of one language with the line they begin on; `fbac fragment` is another language, and not compiled. */
function blocks(page: string, language: string): { readonly line: number; readonly text: string }[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    text: match[1] ?? '',
  }))
}

describe('policies in the documentation', () => {
  const snippets = pages.flatMap((page) => blocks(page, 'fbac').map((block) => ({ page, ...block })))

  test('there are some', () => expect(snippets.length).toBeGreaterThan(1))

  test.each(snippets)('$page:$line compiles and its tests pass', ({ page, text }) => {
    const { program, diagnostics, sources } = compileProgram([{ path: `${page}.fbac`, text }])
    const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error')
    expect(renderDiagnostics(errors, sources, { color: false })).toBe('')
    expect(program && runTests(program).cases.flatMap((entry) => entry.failures.map(({ message }) => message))).toEqual(
      [],
    )
    expect(program && runTests(program, createEvaluator(program).decide).failed).toBe(0)
  })

  const laidOut = snippets.filter(({ page }) => page.startsWith('docs/policies/'))
  test.each(laidOut)('$page:$line is laid out as `writ fmt` lays it out', ({ text }) => {
    expect(text).toBe(formatFile(text).text)
  })

  const recipes = snippets.filter(({ page }) => page === 'docs/policies/cookbook.md')
  test.each(recipes)('$page:$line has tests of its own', ({ text }) => {
    const { program } = compileProgram([{ path: 'recipe.fbac', text }])
    expect(program?.tests.length).toBeGreaterThan(0)
  })
})

describe('links in the documentation', () => {
  test.each(pages)('%s leads only to files that exist', (page) => {
    const text = readFileSync(join(root, page), 'utf8')
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) =>
      join(root, page, '..', match[1] ?? ''),
    )
    for (const target of targets)
      expect(() => readFileSync(target.endsWith('/') ? join(target, 'README.md') : target)).not.toThrow()
  })
})
