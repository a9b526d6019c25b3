import { expect, test } from '@jest/globals'
import { startProgress } from '../../server/start-progress.ts'

test('a start that waits says what for, and no more once it has ended', async () => {
  const said: string[] = []
  const progress = startProgress((text) => said.push(text), 10)
  progress.at('the database')
  await new Promise((resolve) => setTimeout(resolve, 60))
  progress.end()
  const count = said.length
  expect(count).toBeGreaterThan(0)
  expect(said[0]).toBe('Still starting after 0 s: waiting for the database.')
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(said).toHaveLength(count)
})
