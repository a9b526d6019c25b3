import { UsageMistake } from './usage-mistake.ts'

/** `User::"ann"` as policies spell an entity; the quotes may be left out where the shell ate them. */
export function readReference(text: string, flag: string): { readonly type: string; readonly id: string } {
  const at = text.indexOf('::"') >= 0 ? text.indexOf('::"') : text.lastIndexOf('::')
  if (at < 1) throw new UsageMistake(`${flag} is an entity such as 'User::"ann"', not ${JSON.stringify(text)}`)
  return { type: text.slice(0, at), id: readId(text.slice(at + 2), flag) }
}

function readId(text: string, flag: string): string {
  if (!text.startsWith('"')) return text
  try {
    const id: unknown = JSON.parse(text)
    if (typeof id === 'string') return id
  } catch {
    // Said below.
  }
  throw new UsageMistake(`${flag}: ${text} is not an id in double quotes`)
}
