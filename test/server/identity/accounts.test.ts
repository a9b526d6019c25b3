import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Accounts, createAccounts } from '../../../server/identity/accounts.ts'
import { addressBudget, createAttempts, passwordBudget } from '../../../server/identity/attempts.ts'
import { entityOf } from '../../../server/identity/entities.ts'
import { parseEmail } from '../../../server/identity/identifiers.ts'
import { openRig, type Rig } from '../oidc/rig.ts'

let rig: Rig
let accounts: Accounts
beforeAll(async () => {
  rig = await openRig()
  accounts = createAccounts(rig.database, 'default')
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  await rig.seed.tenant('default')
  await rig.seed.tenant('other')
})

const actor = { tenantId: 'default', subject: entityOf('Anonymous', '') }
const create = async (email: string, emailVerified = true) => {
  const now = rig.clock.now()
  const { value } = await rig.kernel.withTransaction(actor, (unit) =>
    accounts.create(unit, { email, emailVerified }, now),
  )
  return value
}

describe('accounts', () => {
  test('ids are UUIDs, and one tenant never sees another’s', async () => {
    const alice = await create('alice@example.test')
    expect(alice.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(await createAccounts(rig.database, 'other').find(alice.id)).toBeUndefined()
  })

  test('of several registrations of one address at once one account comes (security.md §2.21)', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => create('Alice@example.test')))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refused = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult
    expect(refused.reason).toMatchObject({ kind: { code: 'identifier_taken', status: 409 } })
    expect(await rig.seed.run('select count(*)::int as count from account', [])).toEqual([{ count: 1 }])
  })

  test('an unverified address is released to whoever proves it (people.md §1)', async () => {
    await create('alice@example.test', false)
    const owner = await create('alice@example.test', true)
    const email = parseEmail('ALICE@example.test')
    expect(email && (await accounts.findForSignIn(email))).toMatchObject({ id: owner.id, isVerified: true })
  })

  test('a change names the version it read, or is refused (RFC 9110 §13.1.1)', async () => {
    const { id, version } = await create('alice@example.test')
    const change = (ifVersion: number) =>
      rig.kernel.withTransaction(actor, (unit) => accounts.update(unit, id, { ifVersion, claims: { name: 'A' } }, 1))
    await change(version)
    await expect(change(version)).rejects.toMatchObject({ kind: { code: 'version_conflict' } })
  })

  test.each(['disabled', 'deleted'] as const)('%s raises the epoch, and the events say so', async (status) => {
    const { id, epoch } = await create('alice@example.test')
    await rig.seed.setStatus(id, status)
    expect(await accounts.get(id)).toMatchObject({ status, epoch: epoch + 1 })
    const audits = await rig.seed.run('select action, actor_type from audit_event order by at, id', [])
    expect(audits.at(-1)).toMatchObject({ action: `identity.user.${status}` })
  })

  test('an unknown account is 404', async () => {
    await expect(accounts.get('nobody')).rejects.toMatchObject({ kind: { code: 'account_not_found' } })
  })
})

describe('attempt budgets (people.md §4)', () => {
  test.each([9, 10, 11])('try %i of a window of 10', async (count) => {
    const attempts = createAttempts(rig.database, 'default')
    const budget = passwordBudget('a')
    const waits = []
    for (let index = 0; index < count; index += 1) waits.push(await attempts.take(budget, 1_000_000))
    expect(waits.at(-1)).toBe(count <= 10 ? 0 : 900)
    expect(await attempts.take(budget, 1_000_000 + 900_001)).toBe(0)
  })

  test('parallel tries are all counted', async () => {
    const attempts = createAttempts(rig.database, 'default')
    const waits = await Promise.all(Array.from({ length: 30 }, () => attempts.take(passwordBudget('a'), 5)))
    expect(waits.filter((wait) => wait === 0)).toHaveLength(10)
  })

  test('IPv6 addresses count by /64, IPv4 one by one', () => {
    expect(addressBudget('2001:db8:1:2:3::9').subject).toBe(addressBudget('2001:db8:1:2::1').subject)
    expect(addressBudget('2001:db8:1:3::1').subject).not.toBe(addressBudget('2001:db8:1:2::1').subject)
    expect(addressBudget('192.0.2.1').subject).not.toBe(addressBudget('192.0.2.2').subject)
    expect(addressBudget('::ffff:192.0.2.1').subject).toBe(addressBudget('192.0.2.1').subject)
  })
})
