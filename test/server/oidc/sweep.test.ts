import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sweepExpired } from '../../../server/oidc/sweep.ts'
import { openRig, type Rig } from './rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig.close())

const put = (count: number, name: string, seconds: number) =>
  rig.seed.run(
    `insert into oidc_interaction (tenant_id, id_hash, payload, expires_at)
select 'default', $2 || n, '{}', to_timestamp($3::double precision) from generate_series(1, $1::int) as n`,
    [count, name, seconds],
  )
const stored = async () => (await rig.seed.run('select count(*)::int as count from oidc_interaction', []))[0]

test('expired rows go a thousand at a time, so that no request waits behind a long delete (provider.md §3)', async () => {
  const now = Date.UTC(2026, 10, 23)
  await put(2_500, 'old-', now / 1_000 - 1)
  await put(10, 'live-', now / 1_000 + 1)
  const removed: number[] = []
  const counting = {
    ...rig.database,
    query: async (...asked: Parameters<typeof rig.database.query>) => {
      const rows = await rig.database.query<{ count: string }>(...asked)
      if (asked[0].text.includes('from oidc_interaction')) removed.push(Number(rows[0]?.count))
      return rows
    },
  } as typeof rig.database
  expect(await sweepExpired(counting, now)).toBe(2_500)
  expect(removed).toEqual([1_000, 1_000, 500])
  expect(await stored()).toEqual({ count: 10 })
})

test('one sweep ends after twenty batches of a table; the next goes on', async () => {
  const now = Date.UTC(2026, 10, 23)
  await put(20_500, 'many-', now / 1_000 - 1)
  expect(await sweepExpired(rig.database, now)).toBe(20_000)
  expect(await sweepExpired(rig.database, now)).toBe(500)
})
