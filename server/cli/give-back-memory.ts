const idleMilliseconds = 3_000

/**
 * What starting needed and serving does not (texts of rules, parse trees, what migrations read) is a fifth of the memory, and
 * an idle process would keep it: collected once, after a start. Without `--expose-gc` (writ.mjs gives it) nothing happens.
 */
export function giveBackMemory(): void {
  const collect = globalThis.gc
  if (!collect) return
  setTimeout(() => void collect({ type: 'major', execution: 'async', flavor: 'last-resort' }), idleMilliseconds).unref()
}
