import type { Name } from '../ast/nodes.ts'
import type { Reporter } from './reporter.ts'

/** camelCase is a lint: claims keep their snake_case. That types begin upper-case is the grammar's business (SPEC 2, lexis). */
export function checkSpelling(name: Name, reporter: Reporter): void {
  if (!name.text.includes('_')) return
  reporter.report('F9002', name.span, `"${name.text}" is not in camel case`, {
    help: `write "${camelCase(name.text)}"`,
  })
}

const camelCase = (text: string): string => text.replace(/_+([^_])/g, (_, next: string) => next.toUpperCase())
