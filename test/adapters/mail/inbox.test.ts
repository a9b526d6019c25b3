import { describe, expect, test } from '@jest/globals'
import { fixedClock } from '../../../adapters/clock/fixed-clock.ts'
import { inboxMailer } from '../../../adapters/mail/inbox.ts'
import { mailContract } from './contract.ts'

describe('development inbox', () => {
  const inbox = inboxMailer(fixedClock(5))
  mailContract(() => ({ mailer: inbox, received: async () => inbox.list().map(({ to }) => to) }))

  test('keeps the last 200, newest first, with time and number', async () => {
    const full = inboxMailer(fixedClock(5))
    for (let n = 1; n <= 201; n++) {
      await full.send({ to: 'a@example.test', subject: `${n}`, text: 't', category: 'account' })
    }
    expect(full.list()).toHaveLength(200)
    expect(full.list()[0]).toMatchObject({ subject: '201', id: 201, at: 5 })
    expect(full.list().at(-1)).toMatchObject({ subject: '2' })
  })
})
