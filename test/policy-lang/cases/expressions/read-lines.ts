import { readdirSync, readFileSync } from 'node:fs'

/** One expression about the laboratory and what it must yield. */
export type Line = {
  readonly place: string
  readonly clause: string
  readonly expression: string
  /** A rule that allows when the expression holds, and one that denies. */
  readonly allow: string
  readonly deny: string
}

/** Lines of all `.txt` files here: `<clause> <expression> => <result>`; `allow x, deny y` where the two differ. */
export function readLines(): readonly Line[] {
  const folder = new URL('./', import.meta.url)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .sort()
    .flatMap((name) =>
      readFileSync(new URL(name, folder), 'utf8')
        .split('\n')
        .flatMap((text, index) => readLine(text, `${name}:${index + 1}`)),
    )
}

function readLine(text: string, place: string): readonly Line[] {
  if (text === '' || text.startsWith('#')) return []
  const [, clause = '', expression = '', result = ''] = /^(\d+\.\d+) (.*) => (.*)$/.exec(text) ?? []
  if (clause === '') throw new Error(`${place} is no case: ${text}`)
  const both = /^allow (.*), deny (.*)$/.exec(result)
  return [{ place, clause, expression, allow: both?.[1] ?? result, deny: both?.[2] ?? result }]
}
