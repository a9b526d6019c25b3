import { expect, test } from '@jest/globals'
import type { Mailer } from '../../../adapters/mail/port.ts'

/** What every Mailer does. */
export function mailContract(given: () => { readonly mailer: Mailer; received(): Promise<readonly string[]> }): void {
  test('a mail that was sent has arrived, at its one recipient', async () => {
    await given().mailer.send({ to: 'a@example.test', subject: 's', text: 't', category: 'account' })
    expect(await given().received()).toContain('a@example.test')
  })

  test.each(['not an address', '', 'a@example.test, b@example.test'])('refuses the recipient "%s"', async (to) => {
    const before = (await given().received()).length
    await expect(given().mailer.send({ to, subject: 's', text: 't', category: 'account' })).rejects.toMatchObject({
      kind: 'rejected',
    })
    expect(await given().received()).toHaveLength(before)
  })
}
