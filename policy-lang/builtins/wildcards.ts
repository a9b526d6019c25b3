/** `*` stands for any text, `\*` for a star, `\\` for a backslash; no other wildcard exists (SPEC 4). Linear in practice: greedy with one retreat. */
export function matchesWildcards(text: string, pattern: string): boolean {
  const [first = '', ...rest] = splitPattern(pattern)
  if (!text.startsWith(first)) return false
  const last = rest.pop()
  if (last === undefined) return text === first
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return text.length - at >= last.length && text.endsWith(last)
}

/** The literal stretches between the wildcards. */
export function splitPattern(pattern: string): readonly string[] {
  const parts: string[] = []
  let part = ''
  for (let index = 0; index < pattern.length; index += 1) {
    const unit = pattern.charAt(index)
    const next = pattern.charAt(index + 1)
    if (unit === '\\' && (next === '*' || next === '\\')) {
      part += next
      index += 1
    } else if (unit === '*') {
      parts.push(part)
      part = ''
    } else part += unit
  }
  return [...parts, part]
}
