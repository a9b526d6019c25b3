import { beforeEach, expect, test } from '@jest/globals'
import type { Database, Migration } from '../../../adapters/database/port.ts'

/** A table with one of each constraint. */
export const sample: Migration = {
  id: '0001-sample',
  async up(run) {
    await run(`
create table thing (
  id text primary key, size bigint not null default 0 check (size >= 0), parent text references thing (id),
  data jsonb not null default '{}', made timestamptz not null default '2026-01-02T03:04:05.678Z', consumed_at timestamptz
);
create table other (id text primary key);`)
  },
}

const put = { name: 'thing_put', text: 'insert into thing (id, size) values ($1, $2)' }
const ids = { name: 'thing_ids', text: 'select id from thing order by id' }
const failure = new Error('on purpose')

/** What every Database does, embedded or a server. */
export function databaseContract(given: () => Database): void {
  const add = (id: string, size: number | bigint = 0): Promise<unknown> => given().query(put, [id, size])
  const stored = async (): Promise<unknown[]> => (await given().query(ids)).map((row) => row.id)
  const fail = async (): Promise<never> => {
    throw failure
  }
  beforeEach(() => given().query({ name: '', text: 'truncate thing, other' }))

  test('a transaction commits when its callback resolves, and answers its value', async () => {
    const answer = await given().transaction(async () => {
      await add('a')
      return 7
    })
    expect(answer).toBe(7)
    expect(await stored()).toEqual(['a'])
  })

  test('a transaction rolls back when its callback rejects, and rejects with the same error', async () => {
    const run = given().transaction(async () => {
      await add('a')
      await fail()
    })
    await expect(run).rejects.toBe(failure)
    expect(await stored()).toEqual([])
  })

  test('query and table join the transaction through any depth of calls', async () => {
    await given()
      .transaction(async () => {
        await Promise.all([
          add('a'),
          given().table('thing').insert({ id: 'b' }),
          Promise.resolve().then(() => add('c')),
        ])
        expect(await given().table('thing').orderBy('id').pluck('id')).toEqual(['a', 'b', 'c'])
        expect(given().inTransaction()).toBe(true)
        await fail()
      })
      .catch(() => {})
    expect(given().inTransaction()).toBe(false)
    expect(await stored()).toEqual([])
  })

  test('a raw fragment in a builder is bound, not pasted', async () => {
    await add("it's")
    const rows = await given()
      .table('thing')
      .whereRaw('id = ?', ["it's"])
      .select(given().raw('? || id as shown', ['> ']))
    expect(rows).toEqual([{ shown: "> it's" }])
  })

  test('a nested transaction that rejects undoes its own writes only', async () => {
    await given().transaction(async () => {
      await add('kept')
      await given()
        .transaction(async () => {
          await add('undone')
          await fail()
        })
        .catch(() => {})
      await add('after')
    })
    expect(await stored()).toEqual(['after', 'kept'])
  })

  test('nested transactions begun side by side do not mix', async () => {
    await given().transaction(async () => {
      const one = given().transaction(async () => {
        await add('one-1')
        await Promise.resolve()
        await add('one-2')
      })
      const two = given()
        .transaction(async () => {
          await add('two')
          await fail()
        })
        .catch(() => {})
      await Promise.all([one, two])
    })
    expect(await stored()).toEqual(['one-1', 'one-2'])
  })

  test('a failed statement in a nested transaction leaves the outer one usable', async () => {
    await given().transaction(async () => {
      await add('a')
      await expect(given().transaction(() => add('a'))).rejects.toMatchObject({ kind: 'unique' })
      await add('b')
    })
    expect(await stored()).toEqual(['a', 'b'])
  })

  test('a transaction in which a failure was swallowed does not pretend to commit', async () => {
    const run = given().transaction(async () => {
      await add('a')
      await add('a').catch(() => {})
    })
    await expect(run).rejects.toMatchObject({ kind: 'unique' })
    expect(await stored()).toEqual([])
  })

  test('a statement sent after its transaction ended is refused, not run outside of it', async () => {
    const gate = Promise.withResolvers<void>()
    let late: Promise<unknown> = Promise.resolve()
    await given().transaction(async () => {
      late = gate.promise.then(() => add('late'))
    })
    gate.resolve()
    await expect(late).rejects.toThrow('after its transaction ended')
    expect(await stored()).toEqual([])
  })

  test('settings hold inside the transaction and not after; a nested one gives the outer value back', async () => {
    const tenant = async (): Promise<unknown> =>
      (await given().query({ name: '', text: `select coalesce(current_setting('writ.tenant', true), '') as t` }))[0]?.t
    await given().transaction(
      async () => {
        expect(await tenant()).toBe("o'ne")
        await given().transaction(async () => expect(await tenant()).toBe('two'), { 'writ.tenant': 'two' })
        expect(await tenant()).toBe("o'ne")
      },
      { 'writ.tenant': "o'ne" },
    )
    expect(await tenant()).toBe('')
  })

  test('afterCommit runs after the outermost commit, outside of the transaction, and never after a rollback', async () => {
    const ran: string[] = []
    await given().transaction(async () => {
      given().afterCommit(() => ran.push(`outer ${given().inTransaction()}`))
      await given().transaction(async () => given().afterCommit(() => ran.push('inner')))
      await given()
        .transaction(async () => {
          given().afterCommit(() => ran.push('undone inner'))
          await fail()
        })
        .catch(() => {})
      expect(ran).toEqual([])
    })
    expect(ran).toEqual(['outer false', 'inner'])
    await given()
      .transaction(async () => {
        given().afterCommit(() => ran.push('undone'))
        await fail()
      })
      .catch(() => {})
    given().afterCommit(() => ran.push('at once'))
    expect(ran).toEqual(['outer false', 'inner', 'at once'])
  })

  test.each([
    ['unique', 'thing_pkey', () => add('dup').then(() => add('dup'))],
    ['check', 'thing_size_check', () => add('small', -1)],
    ['foreignKey', 'thing_parent_fkey', () => given().table('thing').insert({ id: 'x', parent: 'nobody' })],
    ['invalidText', undefined, () => add('nul\0')],
    [
      'invalidText',
      undefined,
      () =>
        given()
          .table('thing')
          .insert({ id: 'x', data: JSON.stringify('\0') }),
    ],
    [
      'invalidText',
      undefined,
      () =>
        given()
          .table('thing')
          .insert({ id: 'x', data: JSON.stringify('\ud800') }),
    ],
  ])('PostgreSQL failure becomes %s (%s)', async (kind, constraint, run) => {
    await expect(run()).rejects.toMatchObject({ name: 'Error', kind, constraint })
  })

  test('a mistake in SQL stays what it is: a bug', async () => {
    await expect(given().query({ name: '', text: 'select nothing from nowhere' })).rejects.toMatchObject({
      code: '42P01',
    })
    await expect(given().query(ids)).resolves.toEqual([])
  })

  test('columns arrive as documented: Date, parsed JSON, exact integers, numeric text', async () => {
    await add('big', 9007199254740993n)
    await add('small', 9007199254740991)
    const rows = await given().query({ name: '', text: 'select size, made, data from thing order by id' })
    expect(rows).toEqual([
      { size: 9007199254740993n, made: new Date('2026-01-02T03:04:05.678Z'), data: {} },
      { size: 9007199254740991, made: new Date('2026-01-02T03:04:05.678Z'), data: {} },
    ])
    const others = await given().query({
      name: '',
      text: `select 1.10::numeric as n, date '2026-03-01' as d, null as x`,
    })
    expect(others).toEqual([{ n: '1.10', d: '2026-03-01', x: null }])
    const arrays = await given().query({
      name: '',
      text: `select '{1.10,922337203685477.5807}'::numeric[] as n, '{1,NULL,9007199254740993}'::bigint[] as i,
        '{{1},{2}}'::bigint[] as deep, timestamp '2026-03-01 10:00:00' as t`,
    })
    const exact = { n: ['1.10', '922337203685477.5807'], i: [1, null, 9007199254740993n], deep: [[1], [2]] }
    expect(arrays).toEqual([{ ...exact, t: '2026-03-01 10:00:00' }])
  })

  test('of 64 at once that consume one row, one wins', async () => {
    await add('code')
    const consume = {
      name: 'consume',
      text: 'update thing set consumed_at = now() where id = $1 and consumed_at is null returning id',
    }
    const answers = await Promise.all(Array.from({ length: 64 }, () => given().query(consume, ['code'])))
    expect(answers.filter((rows) => rows.length === 1)).toHaveLength(1)
  })

  test('of 64 transactions at once that consume one row, one wins', async () => {
    await add('code')
    const consume = {
      name: 'consume',
      text: 'update thing set consumed_at = now() where id = $1 and consumed_at is null returning id',
    }
    const answers = await Promise.all(
      Array.from({ length: 64 }, () =>
        given().transaction(async () => {
          const rows = await given().query(consume, ['code'])
          if (rows.length === 1)
            await given().query({ name: 'other_put', text: 'insert into other values ($1)' }, ['won'])
          return rows.length
        }),
      ),
    )
    expect(answers.reduce((sum, count) => sum + count)).toBe(1)
  })

  test('64 transactions of two statements each all finish, whatever the number of connections', async () => {
    await Promise.all(
      Array.from({ length: 64 }, (_, index) =>
        given().transaction(async () => {
          await add(`p${index}`)
          await given().transaction(() => add(`q${index}`))
        }),
      ),
    )
    expect(await stored()).toHaveLength(128)
  })

  test('a text of several statements answers the rows of all', async () => {
    const rows = await given().query({ name: '', text: 'select 1 as n; select 2 as n where false; select 3 as n' })
    expect(rows).toEqual([{ n: 1 }, { n: 3 }])
  })

  test('a raw query of the builder joins the transaction', async () => {
    await given()
      .transaction(async () => {
        await given().raw('insert into thing (id) values (?)', ['raw'])
        await fail()
      })
      .catch(() => {})
    expect(await stored()).toEqual([])
  })

  test('is reachable', async () => {
    expect(await given().isReachable(2_000)).toBe(true)
  })
}
