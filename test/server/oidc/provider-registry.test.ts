import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createProviderRegistry } from '../../../server/oidc/provider-registry.ts'
import { createProviders } from '../../../server/oidc/providers.ts'
import type { Tenant } from '../../../server/tenancy/tenant.ts'
import { openRig, type Rig } from './rig.ts'

const minute = 60_000
const tenantOf = (id: string, issuer = `https://login.example/t/${id}`): Tenant => ({
  id,
  name: id,
  status: 'active',
  registration: 'closed',
  issuer,
  pathPrefix: `/t/${id}`,
  epoch: 0,
})

describe('providers are kept while they are used (provider.md §8)', () => {
  const open = (build = async (tenant: Tenant) => ({ of: tenant.id })) => {
    let at = 0
    let builds = 0
    const registry = createProviderRegistry({
      build: (tenant) => {
        builds += 1
        return build(tenant)
      },
      now: () => at,
    })
    return { registry, wait: (milliseconds: number) => (at += milliseconds), builds: () => builds }
  }

  test('one is built at first use, and once for those who come together', async () => {
    const { registry, builds } = open()
    const [one, two] = await Promise.all([registry.of(tenantOf('a')), registry.of(tenantOf('a'))])
    expect(one).toBe(two)
    expect(builds()).toBe(1)
  })

  test('after a quarter of an hour without use it is dropped, and built again when asked for', async () => {
    const { registry, wait, builds } = open()
    await registry.of(tenantOf('a'))
    wait(5 * minute)
    await registry.of(tenantOf('b'))
    wait(10 * minute - 1)
    expect(registry.dropIdle()).toEqual([])
    wait(1)
    expect(registry.dropIdle()).toEqual(['a'])
    await registry.of(tenantOf('b'))
    expect(builds()).toBe(2)
    await registry.of(tenantOf('a'))
    expect(builds()).toBe(3)
  })

  test('one that is used is kept, and one too many ends the one that was not used for longest', async () => {
    const { registry, wait, builds } = open()
    for (let number = 0; number < 200; number += 1) await registry.of(tenantOf(`t${number}`))
    await registry.of(tenantOf('t0'))
    await registry.of(tenantOf('another'))
    await registry.of(tenantOf('t0'))
    expect(builds()).toBe(201)
    await registry.of(tenantOf('t1'))
    expect(builds()).toBe(202)
    wait(14 * minute)
    await registry.of(tenantOf('t0'))
    wait(minute)
    expect(registry.dropIdle()).toHaveLength(199)
  })

  test('another issuer, or a word that something changed, builds it anew; a failure is not kept', async () => {
    let fails = true
    const { registry, builds } = open(async (tenant) => {
      if (fails) throw new Error('no keys')
      return { of: tenant.id }
    })
    await expect(registry.of(tenantOf('a'))).rejects.toThrow('no keys')
    fails = false
    await registry.of(tenantOf('a'))
    await registry.of(tenantOf('a', 'https://login.acme.example'))
    registry.forget('a')
    await registry.of(tenantOf('a', 'https://login.acme.example'))
    expect(builds()).toBe(4)
  })
})

describe('a dropped provider', () => {
  let rig: Rig
  beforeAll(async () => {
    rig = await openRig()
  })
  afterAll(() => rig.close())

  test('gives its memory back once the last request on it has ended', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void // the flag defines it
    const providers = createProviders(providerParts(rig))
    await rig.seed.tenant('acme')
    const tenant = { ...tenantOf('acme'), issuer: `${rig.issuer}/t/acme` }
    const gone: WeakRef<object>[] = []
    const inFlight = await (async () => {
      const held = await providers.of(tenant)
      gone.push(new WeakRef(held.provider))
      return { held }
    })()
    rig.clock.advance(15 * minute)
    expect(providers.dropIdle()).toEqual(['acme'])
    // Each turn collects the whole heap of the test run.
    const isGone = async (turns: number) => {
      for (let turn = 0; turn < turns && gone[0]?.deref(); turn += 1) {
        await new Promise((resolve) => setImmediate(resolve))
        collect()
      }
      return gone[0]?.deref() === undefined
    }
    expect(await isGone(3)).toBe(false)
    expect(inFlight.held.tenant.id).toBe('acme')
    Object.assign(inFlight, { held: undefined })
    expect(await isGone(20)).toBe(true)
  }, 60_000)
})

/** What a provider is built with; nothing of it is asked while one is built. */
function providerParts({ kernel }: Rig): Parameters<typeof createProviders>[0] {
  const unasked = {} as never
  return {
    kernel,
    issue: unasked,
    exchanges: unasked,
    clients: unasked,
    securityLog: unasked,
    throttle: unasked,
    accessTokens: () => unasked,
    readAssertion: unasked,
    trail: unasked,
  }
}
