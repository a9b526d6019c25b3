import { randomFillSync } from 'node:crypto'

/** UUIDv7 (RFC 9562 §5.7): 48 bits of time, 74 bits of randomness. `now` in ms since 1970. */
export type MakeId = (now: number) => string

/** Random bytes are drawn a block at a time: ids stand in every decision. */
export function createIdMaker(): MakeId {
  const block = Buffer.alloc(10 * 400)
  let at = block.length
  return (now) => {
    if (at === block.length) {
      randomFillSync(block)
      at = 0
    }
    const random = block.toString('hex', at, at + 10)
    at += 10
    const time = now.toString(16).padStart(12, '0')
    const variant = '89ab'[Number.parseInt(random[3] ?? '0', 16) & 3]
    return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`
  }
}
