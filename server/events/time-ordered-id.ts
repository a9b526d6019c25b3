import { createRandomSource } from './random-source.ts'

/** UUIDv7 (RFC 9562 §5.7): 48 bits of time, 74 bits of randomness. `now` in ms since 1970. */
export type MakeId = (now: number) => string

export function createIdMaker(): MakeId {
  const randomText = createRandomSource()
  return (now) => {
    const random = randomText(10, 'hex')
    const time = now.toString(16).padStart(12, '0')
    const variant = '89ab'[Number.parseInt(random[3] ?? '0', 16) & 3]
    return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`
  }
}
