export type LocalTime = {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  /** Milliseconds since local midnight as a clock shows it. */
  readonly sinceMidnight: number
  /** 1 = Monday. */
  readonly weekday: number
}

/** A clock on the wall of `zone` at an instant (ms since 1970); undefined if no such zone is known. */
export function localTime(instant: number, zone: string): LocalTime | undefined {
  const format = formatOf(zone)
  if (!format) return undefined
  const part: { [type: string]: string } = {}
  for (const { type, value } of format.formatToParts(instant)) part[type] = value
  const year = part.era === 'B' || part.era === 'BC' ? 1 - Number(part.year) : Number(part.year)
  const month = Number(part.month)
  const day = Number(part.day)
  const hour = Number(part.hour)
  const minute = Number(part.minute)
  const second = Number(part.second)
  const millisecond = ((instant % 1000) + 1000) % 1000
  return {
    year,
    month,
    day,
    hour,
    minute,
    sinceMidnight: ((hour * 60 + minute) * 60 + second) * 1000 + millisecond,
    weekday: weekdayOf(year, month, day),
  }
}

/** Is this a zone of the tz database (or UTC)? Offsets such as `+09:00` are not zones. */
export const isZone = (zone: string): boolean => formatOf(zone) !== undefined

/**
 * Formats are costly to make and a policy names few zones. The cache only remembers pure results, is bounded, and zones
 * from data cannot push out more than they use.
 */
const formats = new Map<string, Intl.DateTimeFormat | undefined>()
const cachedZones = 1_000

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  if (formats.has(zone)) return formats.get(zone)
  if (formats.size >= cachedZones) formats.clear()
  const format = makeFormat(zone)
  formats.set(zone, format)
  return format
}

function makeFormat(zone: string): Intl.DateTimeFormat | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(zone)) return undefined
  try {
    return new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'narrow',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    return undefined
  }
}

function weekdayOf(year: number, month: number, day: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCDay() || 7
}
