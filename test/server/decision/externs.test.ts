import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Judgement } from '../../../server/decision/decision-point.ts'
import type { ExternBinding } from '../../../server/decision/extern-binding.ts'
import { anonymous } from '../../../server/http/authentication.ts'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const policies = {
  'risk.fbac': `import User from "writ:identity"

entity Door {
  relation keeper: User
}
extern fn risk(user: User): Int within 50ms else 10
extern fn rating(user: User): Int within 50ms
extern fn manager(user: User): User within 50ms else fail
action enter on Door by User
action knock on Door by User
action open on Door by User
action look on Door by User
action ring on Door by User

@id("calm")
allow enter on Door to user: User when risk(user) < 50
@id("rated")
allow knock on Door to user: User when rating(user) < 50
@id("anybody")
allow open on Door to User
@id("risky")
deny open on Door to user: User when risk(user) >= 50
@id("managed")
allow look on door: Door to user: User when manager(user) in door.keeper
@id("known")
allow ring on Door to user: User when user == User::"ann"
@id("lucky")
allow ring on Door to user: User when risk(user) < 5
`,
}

type Answer = ExternBinding['call']
let server: TestServer
let authorization: string
let answer: Answer
let calls: string[] = []
beforeAll(async () => {
  const call: (name: string) => Answer = (name) => (args, at) => {
    calls.push(`${name} ${JSON.stringify(args)}`)
    return answer(args, at)
  }
  const bindings = ['risk', 'rating', 'manager'].map((name) => ({ name, call: call(name) }))
  server = await startServer({ policies, moreAreas: [{ name: 'outside', build: () => ({ externs: bindings }) }] })
  authorization = await server.accessClient()
})
afterAll(() => server.stop())

async function decideMany(questions: readonly (readonly [who: string, action: string])[]): Promise<Judgement[]> {
  calls = []
  const { kernel } = server
  const policy = await kernel.policies.settled(kernel.tenants.default().id)
  const scope = {
    requestId: 'r',
    tenant: kernel.tenants.default(),
    subject: anonymous,
    scopes: new Set<string>(),
    ip: '',
    policy,
    now: server.clock.now(),
  }
  const entity = (type: string, id: string) => ({ kind: 'entity', type, id }) as const
  return kernel.decisions.decideMany(
    scope,
    questions.map(([who, action]) => ({ action, resource: entity('Door', 'front'), subject: entity('User', who) })),
  )
}
async function decide(action: string, given: Answer): Promise<Judgement> {
  answer = given
  const [judgement] = await decideMany([['ann', action]])
  if (!judgement) throw new Error('one question has one answer')
  return judgement
}

const failures: readonly (readonly [string, Answer])[] = [
  ['throws', () => Promise.reject(new Error('down'))],
  [
    'throws at once',
    () => {
      throw new Error('down')
    },
  ],
  ['hangs', () => new Promise(() => undefined)],
  ['answers another type', () => Promise.resolve('12')],
  ['answers nothing', () => Promise.resolve(null)],
  ['answers too late', () => new Promise((resolve) => setTimeout(() => resolve(1), 90))],
]

describe('an extern that answers in time', () => {
  test('is what the rule sees, typed as declared', async () => {
    expect(await decide('enter', () => 49)).toMatchObject({ decision: true, reasons: ['calm'], degraded: [] })
    expect(await decide('enter', () => 50)).toMatchObject({ decision: false, degraded: [], errors: [] })
    expect(await decide('open', () => 50)).toMatchObject({ decision: false, reasons: ['risky'], degraded: [] })
    expect(calls).toEqual(['risk [{"type":"User","id":"ann"}]'])
    const keeper = {
      resource: { type: 'Door', id: 'front' },
      relation: 'keeper',
      subject: { type: 'User', id: 'boss' },
    }
    expect((await server.admin('POST', '/admin/v1/relations/write', { writes: [keeper] })).status).toBe(200)
    expect(await decide('look', () => ({ type: 'User', id: 'boss' }))).toMatchObject({ decision: true })
    expect(await decide('look', () => ({ type: 'Door', id: 'front' }))).toMatchObject({ degraded: ['managed'] })
  })

  test('is asked once for a batch, all calls at the same time', async () => {
    let open = 0
    let most = 0
    answer = async () => {
      open += 1
      most = Math.max(most, open)
      await new Promise((resolve) => setTimeout(resolve, 5))
      open -= 1
      return 1
    }
    const decisions = await decideMany([
      ['ann', 'enter'],
      ['ann', 'open'],
      ['bob', 'enter'],
      ['cem', 'enter'],
    ])
    expect(decisions.map(({ decision }) => decision)).toEqual([true, true, true, true])
    expect([...calls].sort()).toEqual(['ann', 'bob', 'cem'].map((id) => `risk [{"type":"User","id":"${id}"}]`))
    expect(most).toBe(3)
  })
})

describe.each(failures)('an extern that %s (SPEC 5.7)', (_, failing) => {
  test('in an allow is its default, and the rule is degraded', async () => {
    expect(await decide('enter', failing)).toMatchObject({ decision: true, reasons: ['calm'], degraded: ['calm'] })
  })

  test('in an allow without a default makes it not count', async () => {
    const { decision, errors, degraded } = await decide('knock', failing)
    expect({ decision, degraded }).toEqual({ decision: false, degraded: ['rated'] })
    expect(errors).toEqual([{ rule: 'rated', cause: expect.objectContaining({ code: 'extern-failed' }) }])
  })

  test('in a deny counts, whatever its default says', async () => {
    const { decision, reasons, errors, degraded } = await decide('open', failing)
    expect({ decision, reasons, degraded }).toEqual({ decision: false, reasons: ['risky'], degraded: ['risky'] })
    expect(errors).toHaveLength(1)
  })
})

describe('what is never heard', () => {
  test('an extern that nobody answers is a failed one', async () => {
    await server.activate({
      'risk.fbac': policies['risk.fbac']
        .replace('extern fn rating(', 'extern fn unheardOf(')
        .replace('rating(user)', 'unheardOf(user)'),
    })
    expect(await decide('knock', () => 1)).toMatchObject({ decision: false, degraded: ['rated'] })
    expect(calls).toEqual([])
    await server.activate(policies)
  })

  test('the deadline aborts the call', async () => {
    const signals: AbortSignal[] = []
    await decide('enter', (_, { signal }) => {
      signals.push(signal)
      return new Promise(() => undefined)
    })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  test('a search asks the check, not the default: whoever is calm is listed, in pages', async () => {
    for (const id of ['ann', 'bob', 'cem']) {
      const reader = { resource: { type: 'Door', id: 'back' }, relation: 'keeper', subject: { type: 'User', id } }
      expect((await server.admin('POST', '/admin/v1/relations/write', { writes: [reader] })).status).toBe(200)
    }
    answer = (args) => (JSON.stringify(args).includes('bob') ? 99 : 1)
    const response = await fetch(`${server.url}/access/v1/search/subject`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({
        subject: { type: 'User' },
        action: { name: 'enter' },
        resource: { type: 'Door', id: 'front' },
      }),
    })
    const { results } = (await response.json()) as { results: { id: string }[] }
    const ids = results.map(({ id }) => id)
    expect(ids).toEqual(expect.arrayContaining(['ann', 'cem']))
    expect(ids).not.toContain('bob')
    const ring = await decide('ring', () => 1)
    expect(ring.reasons).toEqual(['known', 'lucky'])
  })
})
