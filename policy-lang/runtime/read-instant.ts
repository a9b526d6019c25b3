import { earliestTime, latestTime } from '../builtins/integer.ts'

const form = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:([Zz])|([+-])(\d{2}):?(\d{2})))?$/

/** RFC 3339 (or a date alone, midnight UTC) as ms since 1970; finer fractions are cut off (SPEC 4). undefined if it is neither. */
export function readInstant(text: string): number | undefined {
  const match = form.exec(text)
  if (!match) return undefined
  const part = (index: number): number => Number(match[index] ?? 0)
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map(part)
  if (hour === undefined || minute === undefined || second === undefined) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year ?? 0, (month ?? 1) - 1, day)
  const isReal = date.getUTCMonth() + 1 === month && date.getUTCDate() === day
  if (!isReal || hour > 23 || minute > 59 || second > 59 || part(10) > 23 || part(11) > 59) return undefined
  const fraction = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'))
  const offset = (part(10) * 60 + part(11)) * 60_000 * (match[9] === '-' ? -1 : 1)
  const instant = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + fraction - offset
  return instant >= earliestTime && instant <= latestTime ? instant : undefined
}

/** `2d`, `1h30m`, `50ms`, `-1d`: units from large to small, each at most once; as ms. undefined if it is none. */
export function readDuration(text: string): bigint | undefined {
  const match = /^(-?)(?=\d)(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text)
  if (!match) return undefined
  const sizes = [604_800_000n, 86_400_000n, 3_600_000n, 60_000n, 1000n, 1n]
  const total = sizes.reduce((sum, size, index) => sum + size * BigInt(match[index + 2] ?? 0), 0n)
  return match[1] === '-' ? -total : total
}
