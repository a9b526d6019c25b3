import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from '@jest/globals'
import { openDatabase } from '../../../adapters/database/open.ts'

const folder = mkdtempSync(join(tmpdir(), 'writ-parent-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A zombie has ended too: only nobody asked for its exit code (a container without an init). */
function hasEnded(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return existsSync('/proc/self/stat') && readFileSync(`/proc/${processId}/stat`, 'utf8').split(') ')[1]?.[0] === 'Z'
  } catch {
    return true
  }
}

test('kill -9 of the parent during writes: its child ends, the folder is free, nothing acknowledged is lost', async () => {
  const program = fileURLToPath(new URL('./writing-parent.ts', import.meta.url))
  const parent = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const acknowledged: number[] = []
  let child = 0
  for await (const line of createInterface({ input: parent.stdout })) {
    if (line.startsWith('child ')) child = Number(line.slice(6))
    else acknowledged.push(Number(line))
    if (acknowledged.length === 50) parent.kill('SIGKILL')
  }
  expect(child).toBeGreaterThan(0)

  const database = openDatabase({ dataFolder: folder })
  try {
    const stored = await database.table('written').orderBy('id').pluck('id')
    expect(stored.slice(0, acknowledged.length)).toEqual(acknowledged)
    // At most the one statement whose answer never arrived.
    expect(stored.length - acknowledged.length).toBeLessThanOrEqual(1)
    for (const deadline = Date.now() + 5_000; !hasEnded(child) && Date.now() < deadline; ) await setTimeout(20)
    expect(hasEnded(child)).toBe(true)
  } finally {
    await database.close()
  }
})
