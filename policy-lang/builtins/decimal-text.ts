import { largestInt, smallestInt } from './integer.ts'

/** A decimal as ten-thousandths; undefined if it has more than four fraction digits or does not fit in 64 bits (SPEC 4). */
export function parseDecimal(text: string): bigint | undefined {
  const match = /^(-?)([0-9]+)(?:\.([0-9]{1,4}))?$/.exec(text)
  if (!match) return undefined
  const size = BigInt(`${match[2]}${(match[3] ?? '').padEnd(4, '0')}`)
  const exact = match[1] === '-' ? -size : size
  return exact >= smallestInt && exact <= largestInt ? exact : undefined
}

/** The shortest text that `parseDecimal` reads back. */
export function formatDecimal(tenThousandths: number | bigint): string {
  const exact = BigInt(tenThousandths)
  const size = exact < 0n ? -exact : exact
  const fraction = (size % 10_000n).toString().padStart(4, '0').replace(/0+$/, '')
  const whole = `${exact < 0n ? '-' : ''}${size / 10_000n}`
  return fraction === '' ? whole : `${whole}.${fraction}`
}
