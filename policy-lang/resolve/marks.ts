import type { Mark, Name } from '../ast/nodes.ts'
import type { FieldMarks } from '../ir/types.ts'
import type { Reporter } from './reporter.ts'

/** Which marks may stand where (SPEC 2); the value says whether the mark takes a text. */
const allowed = {
  allow: { id: 'text' },
  deny: { id: 'text', failsOpen: 'none' },
  entity: { wire: 'text', was: 'text' },
  action: { wire: 'text', was: 'text' },
  attribute: { personal: 'none', secret: 'none', suppliable: 'none', wire: 'text', was: 'text' },
  relation: { wire: 'text', was: 'text' },
  argument: { personal: 'none', secret: 'none', suppliable: 'none', wire: 'text', was: 'text' },
  none: {},
} as const satisfies { [place: string]: { [mark: string]: 'text' | 'none' } }

export type MarkPlace = keyof typeof allowed

/** Refuses marks that do not exist, do not belong here, stand twice or have the wrong value. */
export function checkMarks(marks: readonly Mark[], place: MarkPlace, reporter: Reporter): void {
  const known: { readonly [mark: string]: 'text' | 'none' } = allowed[place]
  const seen = new Set<string>()
  for (const { name, value, span } of marks) {
    const wants = Object.hasOwn(known, name.text) ? known[name.text] : undefined
    if (wants === undefined) {
      reporter.unknown('F2014', name, `the mark @${name.text} cannot stand here`, Object.keys(known))
      continue
    }
    if (seen.has(name.text)) reporter.report('F2014', span, `the mark @${name.text} stands twice`)
    seen.add(name.text)
    const isText = value?.kind === 'string' && value.value !== ''
    if (wants === 'text' && !isText) reporter.report('F2014', span, `the mark @${name.text} needs a text`)
    if (wants === 'none' && value) reporter.report('F2014', span, `the mark @${name.text} takes no value`)
  }
}

/** The text of a mark, or undefined. */
export function markText(marks: readonly Mark[], name: string): string | undefined {
  const value = marks.find((mark) => mark.name.text === name)?.value
  return value?.kind === 'string' ? value.value : undefined
}

export const hasMark = (marks: readonly Mark[], name: string): boolean => marks.some((mark) => mark.name.text === name)

/** The name in data and on the wire (SPEC 2, lexis). */
export const wireName = (name: Name, marks: readonly Mark[]): string => markText(marks, 'wire') ?? name.text

/** What `FieldType.marks` keeps; undefined where nothing was said. */
export function fieldMarks(marks: readonly Mark[]): FieldMarks | undefined {
  const was = markText(marks, 'was')
  const kept: FieldMarks = {
    ...(hasMark(marks, 'personal') ? { personal: true } : {}),
    ...(hasMark(marks, 'secret') ? { secret: true } : {}),
    ...(hasMark(marks, 'suppliable') ? { suppliable: true } : {}),
    ...(was === undefined ? {} : { was }),
  }
  return Object.keys(kept).length > 0 ? kept : undefined
}
