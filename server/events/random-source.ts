import { randomFillSync } from 'node:crypto'

/** Random text: `bytes` bytes in the encoding. For ids, which every request has; keys and secrets draw their own. */
export type RandomText = (bytes: number, encoding: 'hex' | 'base64url') => string

const blockBytes = 4096

/** Bytes are drawn a block at a time (a call of the system each is dear), and are given out once. */
export function createRandomSource(): RandomText {
  const block = Buffer.alloc(blockBytes)
  let at = block.length
  return (bytes, encoding) => {
    if (at + bytes > block.length) {
      randomFillSync(block)
      at = 0
    }
    const text = block.toString(encoding, at, at + bytes)
    at += bytes
    return text
  }
}
