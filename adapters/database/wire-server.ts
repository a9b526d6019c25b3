import { createServer, type Server, type Socket } from 'node:net'
import type { PGlite } from '@electric-sql/pglite'

/**
 * The PostgreSQL wire protocol (PostgreSQL manual, chapter 54) in front of the one session that PGlite has. Connections are
 * served one after another: the next waits until the one before has gone and its transaction was rolled back.
 *
 * PGlite gets a whole round, up to its Sync, in one piece. After an error it says ReadyForQuery to the failed message and again to
 * the Sync; a client would take the second for the answer to its next statement, and every later answer would be one off. So of
 * each round's only the last is passed on.
 */
export function serveWire(engine: PGlite, onFatal: (error: unknown) => void): Server {
  let turn: Promise<void> = Promise.resolve()
  return createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    turn = turn.then(() => serveConnection(engine, socket)).catch(onFatal)
  })
}

async function serveConnection(engine: PGlite, socket: Socket): Promise<void> {
  const reader = messageReader()
  try {
    for await (const chunk of socket) {
      for (const round of reader.rounds(chunk)) {
        if (round === 'refuseTls') socket.write('N')
        else if (round === 'end') return
        else socket.write(await answer(engine, round))
      }
    }
  } catch (error) {
    // A socket that broke ends this connection only; anything else broke the engine.
    if (!socket.errored) throw error
  } finally {
    socket.destroy()
    if (engine.isInTransaction()) await engine.exec('rollback')
    await engine.exec('discard all')
  }
}

async function answer(engine: PGlite, round: Uint8Array): Promise<Buffer> {
  const pieces: Buffer[] = []
  // A copy: the piece is a window on memory that PGlite writes again.
  await engine.execProtocolRawStream(round, { onRawData: (data) => void pieces.push(Buffer.from(data)) })
  return onlyLastReady(Buffer.concat(pieces))
}

const readyForQuery = 'Z'.charCodeAt(0)
const readyLength = 6

function onlyLastReady(reply: Buffer): Buffer {
  const ready: number[] = []
  for (let at = 0; at < reply.length; at += 1 + reply.readInt32BE(at + 1))
    if (reply[at] === readyForQuery) ready.push(at)
  if (ready.length < 2) return reply
  const kept: Buffer[] = []
  let from = 0
  for (const at of ready.slice(0, -1)) {
    kept.push(reply.subarray(from, at))
    from = at + readyLength
  }
  return Buffer.concat([...kept, reply.subarray(from)])
}

const protocolVersion = 0x0003_0000
const tlsRequest = 80_877_103
const gssRequest = 80_877_104
const cancelRequest = 80_877_102
const terminate = 'X'.charCodeAt(0)
/** Answered at once: simple query, Sync, function call, end of a COPY. */
const roundEnds = new Set([...'QSFcf'].map((letter) => letter.charCodeAt(0)))
const headerBytes = 4

type Round = Uint8Array | 'refuseTls' | 'end'

/** Cuts the stream into rounds: what PGlite gets in one piece. */
function messageReader(): { rounds(chunk: Buffer): Generator<Round> } {
  let rest: Buffer = Buffer.alloc(0)
  let waiting: Buffer[] = []
  let isStarted = false

  function* untyped(): Generator<Round> {
    if (rest.length < 2 * headerBytes) return
    const length = rest.readInt32BE(0)
    const code = rest.readInt32BE(headerBytes)
    if (rest.length < length) return
    const message = rest.subarray(0, length)
    rest = rest.subarray(length)
    if (code === tlsRequest || code === gssRequest) yield 'refuseTls'
    else if (code === cancelRequest || code >> 16 !== protocolVersion >> 16) yield 'end'
    else {
      isStarted = true
      yield new Uint8Array(message)
    }
  }

  return {
    *rounds(chunk) {
      rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      while (!isStarted) {
        const before = rest.length
        yield* untyped()
        if (rest.length === before) return
      }
      while (rest.length > headerBytes) {
        const length = 1 + rest.readInt32BE(1)
        if (rest.length < length) return
        const message = rest.subarray(0, length)
        rest = rest.subarray(length)
        if (message[0] === terminate) return yield 'end'
        waiting.push(message)
        if (!roundEnds.has(message[0] ?? 0)) continue
        yield new Uint8Array(Buffer.concat(waiting))
        waiting = []
      }
    },
  }
}
