import { describe, expect, test } from '@jest/globals'
import { gatherAnswers } from '../../../server/http/layers/gather-answers.ts'
import type { WebContext } from '../../../server/http/mount.ts'

// The layer reads nothing of the context.
const context = {} as WebContext

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('answers of one turn leave together', () => {
  test('a request that is alone does not wait for the turn to end', async () => {
    const layer = gatherAnswers()
    const order: string[] = []
    setImmediate(() => order.push('turn'))
    await layer(context, () => Promise.resolve()).then(() => order.push('answer'))
    await turn()
    expect(order).toEqual(['answer', 'turn'])
  })

  test('one of several waits until a turn brings no new request', async () => {
    const layer = gatherAnswers()
    const order: string[] = []
    let finish = (): void => undefined
    const slow = layer(context, () => new Promise((resolve) => (finish = resolve)))
    const quick = layer(context, () => Promise.resolve()).then(() => order.push('quick'))
    const late = new Promise((resolve) =>
      setImmediate(() => {
        order.push('first turn')
        resolve(layer(context, () => Promise.resolve()).then(() => order.push('late')))
      }),
    )
    await Promise.all([quick, late])
    expect(order).toEqual(['first turn', 'quick', 'late'])
    finish()
    await slow
  })

  test('a request that fails fails at once, and is no longer counted', async () => {
    const layer = gatherAnswers()
    await expect(layer(context, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    const order: string[] = []
    setImmediate(() => order.push('turn'))
    await layer(context, () => Promise.resolve()).then(() => order.push('answer'))
    expect(order).toEqual(['answer'])
  })
})
