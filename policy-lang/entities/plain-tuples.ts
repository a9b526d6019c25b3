/**
 * Tuples of which nothing is to say but who holds what: no end, no condition, nobody behind the holder. Nearly all are so, and
 * here one is a row of eight numbers: 36 bytes with its place in the hash table, against 250 for objects. A question reads two
 * cache lines, however many holders a resource has; adding and removing are O(1) in the holders.
 */
export type PlainTuples = {
  has(relation: number, resource: number, subject: number): boolean
  /** False: it was there. */
  add(relation: number, resource: number, subject: number): boolean
  /** False: it was not there. */
  remove(relation: number, resource: number, subject: number): boolean
  /** Numbers of those who hold the relation, in the order in which they came. */
  holders(relation: number, resource: number): number[]
  /** Calls back for each tuple of a subject, in the order in which they came. */
  heldBy(subject: number, visit: (relation: number, resource: number) => void): void
  readonly count: number
  readonly bytes: number
}

// Fields of a row. Two rings go through each tuple, that of its resource's relation and that of its subject; both begin and end
// in a row of their own, a head, which is found by the same hash table.
const [relationAt, resourceAt, subjectAt, nextInList, lastInList, nextHeld, lastHeld, nextInBucket] = [
  0, 1, 2, 3, 4, 5, 6, 7,
] as const
const fields = 8
/** Stands for what a head has no number of. */
const none = -1

/** Numbers in a block: one block at least is moved at once when the first grows, so it is moved within 1 ms. */
const blockBits = 18
const blockSize = 1 << blockBits
const firstBlock = 512

type Blocks = { readonly all: Int32Array[] }

export function createPlainTuples(): PlainTuples {
  const rows: Blocks = { all: [new Int32Array(firstBlock)] }
  const buckets: Blocks = { all: [new Int32Array(firstBlock).fill(none)] }
  const state = { rows: 0, free: none, count: 0, live: 0, buckets: 8, low: 7 }

  const field = (row: number, at: number): number => read(rows, row * fields + at)
  const setField = (row: number, at: number, value: number): void => write(rows, row * fields + at, value)
  const bucketOf = (hashed: number): number => {
    const wide = hashed & (state.low * 2 + 1)
    return wide < state.buckets ? wide : hashed & state.low
  }
  const find = (relation: number, resource: number, subject: number): number => {
    let row = read(buckets, bucketOf(hash(relation, resource, subject)))
    while (row !== none) {
      const block = rows.all[row >>> (blockBits - 3)]
      if (block === undefined) return none
      const at = (row * fields) & (blockSize - 1)
      if (block[at + subjectAt] === subject && block[at + resourceAt] === resource && block[at] === relation) return row
      row = block[at + nextInBucket] ?? none
    }
    return none
  }
  /** Linear hashing: each row that comes divides one bucket, so none has to wait until a whole table has moved. */
  const divide = (): void => {
    const from = state.buckets - state.low - 1
    const to = state.buckets
    reserve(buckets, to + 1, none)
    state.buckets += 1
    let [kept, moved] = [none, none]
    for (let row = read(buckets, from); row !== none; ) {
      const next = field(row, nextInBucket)
      const hashed = hash(field(row, relationAt), field(row, resourceAt), field(row, subjectAt))
      const goes = (hashed & (state.low * 2 + 1)) === to
      setField(row, nextInBucket, goes ? moved : kept)
      if (goes) moved = row
      else kept = row
      row = next
    }
    write(buckets, from, kept)
    write(buckets, to, moved)
    if (state.buckets === (state.low + 1) * 2) state.low = state.low * 2 + 1
  }
  const make = (relation: number, resource: number, subject: number): number => {
    let row = state.free
    if (row === none) {
      row = state.rows
      state.rows += 1
      reserve(rows, state.rows * fields, 0)
    } else state.free = field(row, nextInBucket)
    setField(row, relationAt, relation)
    setField(row, resourceAt, resource)
    setField(row, subjectAt, subject)
    const bucket = bucketOf(hash(relation, resource, subject))
    setField(row, nextInBucket, read(buckets, bucket))
    write(buckets, bucket, row)
    state.live += 1
    if (state.live > state.buckets) divide()
    return row
  }
  const forget = (row: number): void => {
    const bucket = bucketOf(hash(field(row, relationAt), field(row, resourceAt), field(row, subjectAt)))
    let before = none
    for (let at = read(buckets, bucket); at !== row; at = field(at, nextInBucket)) before = at
    const next = field(row, nextInBucket)
    if (before === none) write(buckets, bucket, next)
    else setField(before, nextInBucket, next)
    setField(row, nextInBucket, state.free)
    state.free = row
    state.live -= 1
  }
  const headOf = (relation: number, resource: number, subject: number): number => {
    const known = find(relation, resource, subject)
    if (known !== none) return known
    const head = make(relation, resource, subject)
    for (const at of [nextInList, lastInList, nextHeld, lastHeld]) setField(head, at, head)
    return head
  }
  const join = (row: number, head: number, next: number, last: number): void => {
    const before = field(head, last)
    setField(row, last, before)
    setField(row, next, head)
    setField(before, next, row)
    setField(head, last, row)
  }
  /** A head that nothing hangs on any more goes too. */
  const part = (row: number, next: number, last: number): void => {
    const [before, after] = [field(row, last), field(row, next)]
    setField(before, next, after)
    setField(after, last, before)
    if (before === after && field(after, next) === after) forget(after)
  }
  return {
    has: (relation, resource, subject) => find(relation, resource, subject) !== none,
    add(relation, resource, subject) {
      if (find(relation, resource, subject) !== none) return false
      const row = make(relation, resource, subject)
      join(row, headOf(relation, resource, none), nextInList, lastInList)
      join(row, headOf(none, none, subject), nextHeld, lastHeld)
      state.count += 1
      return true
    },
    remove(relation, resource, subject) {
      const row = find(relation, resource, subject)
      if (row === none) return false
      part(row, nextInList, lastInList)
      part(row, nextHeld, lastHeld)
      forget(row)
      state.count -= 1
      return true
    },
    holders(relation, resource) {
      const found: number[] = []
      const head = find(relation, resource, none)
      if (head === none) return found
      for (let row = field(head, nextInList); row !== head; row = field(row, nextInList)) {
        found.push(field(row, subjectAt))
      }
      return found
    },
    heldBy(subject, visit) {
      const head = find(none, none, subject)
      if (head === none) return
      for (let row = field(head, nextHeld); row !== head; row = field(row, nextHeld)) {
        visit(field(row, relationAt), field(row, resourceAt))
      }
    },
    get count() {
      return state.count
    },
    get bytes() {
      return bytesOf(rows) + bytesOf(buckets)
    },
  }
}

/** Numbers of entities are dense: without mixing, neighbours would crowd. */
function hash(relation: number, resource: number, subject: number): number {
  let mixed = Math.imul(resource, 0x9e3779b1) ^ Math.imul(subject, 0x85ebca6b) ^ Math.imul(relation, 0xc2b2ae35)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
  return (mixed ^ (mixed >>> 13)) & 0x3fffffff
}

const read = (blocks: Blocks, at: number): number => blocks.all[at >>> blockBits]?.[at & (blockSize - 1)] ?? none

function write(blocks: Blocks, at: number, value: number): void {
  const block = blocks.all[at >>> blockBits]
  if (block) block[at & (blockSize - 1)] = value
}

/** Room for `count` numbers: the first block doubles, so that a small tenant stays small; then whole blocks come. */
function reserve(blocks: Blocks, count: number, empty: number): void {
  const last = blocks.all.at(-1)
  if (!last || count <= (blocks.all.length - 1) * blockSize + last.length) return
  if (last.length === blockSize) {
    blocks.all.push(new Int32Array(blockSize).fill(empty))
    return
  }
  const grown = new Int32Array(last.length * 2).fill(empty)
  grown.set(last)
  blocks.all[blocks.all.length - 1] = grown
}

const bytesOf = (blocks: Blocks): number => blocks.all.reduce((sum, block) => sum + block.byteLength, 0)
