import type { Name } from '../ast/nodes.ts'
import type { Reporter } from './reporter.ts'

/** Types begin upper-case, all other names lower-case (SPEC 2, lexis). */
export function checkSpelling(name: Name, kind: 'type' | 'value', reporter: Reporter): void {
  const first = name.text.charAt(0)
  const isUpper = first !== first.toLowerCase()
  if (kind === 'type' && !isUpper)
    reporter.report('F2013', name.span, `the type "${name.text}" does not begin upper-case`)
  if (kind === 'value' && isUpper)
    reporter.report('F2013', name.span, `"${name.text}" begins upper-case, as only types do`)
  // Claims keep their snake_case, so this is no error.
  if (name.text.includes('_'))
    reporter.report('F9002', name.span, `"${name.text}" is not in camel case`, {
      help: `write "${camelCase(name.text)}"`,
    })
}

const camelCase = (text: string): string => text.replace(/_+([^_])/g, (_, next: string) => next.toUpperCase())
