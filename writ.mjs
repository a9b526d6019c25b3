#!/usr/bin/env node
// The `writ` command: main.ts on the pinned Node (launch.mjs says why).
import { fileURLToPath } from 'node:url'
import { launch } from './launch.mjs'

launch([
  '--disable-warning=ExperimentalWarning',
  fileURLToPath(new URL('./main.ts', import.meta.url)),
  ...process.argv.slice(2),
])
