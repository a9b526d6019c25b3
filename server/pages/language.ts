export type Language = 'ko' | 'en'

export const languageCookie = 'writ-language'

/** `ui_locales` > cookie > `Accept-Language` > English (people.md §5). Unknown tags are passed over. */
export function chooseLanguage(from: {
  readonly uiLocales?: string | undefined
  readonly cookie?: string | undefined
  readonly acceptLanguage?: string | undefined
}): Language {
  return (
    firstKnown((from.uiLocales ?? '').split(' ')) ??
    firstKnown([from.cookie ?? '']) ??
    firstKnown(byQuality(from.acceptLanguage ?? '')) ??
    'en'
  )
}

function firstKnown(tags: readonly string[]): Language | undefined {
  for (const tag of tags) {
    const primary = tag.trim().toLowerCase().split('-')[0]
    if (primary === 'ko' || primary === 'en') return primary
  }
  return undefined
}

/** RFC 9110 §12.5.4. */
function byQuality(header: string): string[] {
  return header
    .slice(0, 1_000)
    .split(',')
    .map((item) => {
      const [tag = '', ...parameters] = item.split(';')
      const quality = parameters.map((part) => /^\s*q=([0-9.]+)\s*$/.exec(part)?.[1]).find(Boolean)
      return { tag, quality: quality === undefined ? 1 : Number(quality) || 0 }
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag)
}
