#!/usr/bin/env node
// The `writ` command: main.ts on the pinned Node (launch.mjs says why).
import { fileURLToPath } from 'node:url'
import { launch } from './launch.mjs'

launch([
  '--disable-warning=ExperimentalWarning',
  // The young generation grows to 3 × 32 MB at start and never shrinks: 50 MB of resident memory for nothing while idle.
  '--max-semi-space-size=8',
  // server/cli/give-back-memory.ts
  '--expose-gc',
  fileURLToPath(new URL('./main.ts', import.meta.url)),
  ...process.argv.slice(2),
])
