import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Bucket, bucketEntity, objectEntity, type StoredObject } from '../../../platform/storage/model.ts'
import { type ConditionTree, compareCodePoints, type Value, writeValue } from '../../../policy-lang/index.ts'
import type { RequestScope } from '../../../server/module.ts'
import { describeWith } from '../../kit/availability.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../../kit/postgres.ts'
import { entity, keys, type ListStand, openListStand, people } from './list-stand.ts'
import { readTreeNode } from './read-tree-node.ts'

const runs = Number(process.env.WRIT_LIST_RUNS ?? 40)
const header = `import StoredObject, Bucket from "storage"
import User, Client, Group from "writ:identity"
`
/** What SQL can say, and at the end what it cannot. */
const conditions = [
  'object.size > 10',
  'object.size <= object.bucket.quotaBytes and object.size != 7',
  'object.key in ["archive", "b_"]',
  'object.key.startsWith("img/")',
  'object.contentType == "image/png"',
  'object.createdAt < context.now - 1d',
  'object.createdAt >= 2026-01-01T00:00:00Z',
  'object.bucket.publicRead',
  'object.bucket.quotaBytes < 500',
  'object.owner is User',
  'not (object.sha256 == "00")',
  'object.bucket in Bucket::"open"',
  'object.size * 9000000000000000000 > 5',
  'object.createdAt.hour("Asia/Seoul") < 6',
]
const who = [
  'anyone',
  'User',
  'viewer of object',
  'owner of object',
  'viewer of object.bucket',
  'canEdit of object.bucket',
]
const shown = ['', '', '', '  fields key, size\n', '  fields all except key\n', '  fields size\n']

type RuleParts = {
  readonly effect: string
  readonly to: string
  readonly whens: readonly string[]
  readonly fields: string
}
const aRule: fc.Arbitrary<RuleParts> = fc.record({
  effect: fc.constantFrom('allow', 'allow', 'deny'),
  to: fc.constantFrom(...who),
  whens: fc.uniqueArray(fc.constantFrom(...conditions), { maxLength: 2 }),
  fields: fc.constantFrom(...shown),
})
const policyOf = (rules: readonly RuleParts[]): string =>
  header +
  rules
    .map(({ effect, to, whens, fields }, at) => {
      const when = whens.map((each) => `  when ${each}\n`).join('')
      return `@id("r${at}")\n${effect} read on object: StoredObject to ${to}\n${when}${fields}`
    })
    .join('\n')

type World = {
  readonly stand: ListStand
  readonly buckets: readonly Bucket[]
  readonly objects: readonly StoredObject[]
}

async function openWorld(env: { readonly [name: string]: string }): Promise<World> {
  const stand = await openListStand(env)
  const buckets = [
    await stand.bucket('closed', { quotaBytes: 100 }),
    await stand.bucket('open', { publicRead: true }),
    await stand.bucket('shared', { quotaBytes: 5 }),
  ]
  const objects: StoredObject[] = []
  const { clock } = stand.kernel
  for (const [at, bucket] of buckets.entries()) {
    for (const [index, key] of keys.entries()) {
      const number = at * keys.length + index
      objects.push(
        await stand.object(bucket, key, {
          id: `o${(number * 7) % 40}`,
          owner: number % 5 === 0 ? entity('Client', 'demo') : entity('User', people[number % 3] ?? 'ann'),
          contentType: number % 3 === 0 ? 'image/png' : 'text/plain',
          size: [0, 1, 7, 11, 600][number % 5] ?? 0,
          sha256: number % 4 === 0 ? '00' : '11',
          createdAt: clock.now() - ([0, 1, 86_400_000, 86_400_001, 90_000_000_000][number % 5] ?? 0),
        }),
      )
    }
  }
  const tuple = (type: string, id: string, relation: string, person: string, until?: number) => ({
    resource: entity(type, id),
    relation,
    subject: { kind: 'one', entity: entity('User', person) } as const,
    ...(until === undefined ? {} : { until }),
  })
  await stand.put(
    tuple('Bucket', 'shared', 'viewer', 'bob'),
    tuple('Bucket', 'closed', 'editor', 'cid'),
    tuple('StoredObject', 'o7', 'viewer', 'bob'),
    tuple('StoredObject', 'o14', 'viewer', 'cid', clock.now()),
    tuple('StoredObject', 'o21', 'viewer', 'cid', clock.now() + 1),
  )
  return { stand, buckets, objects }
}

/** Every page of the list, against a check of each row. */
async function compare(
  { stand, objects }: World,
  scope: RequestScope,
  { bucket, prefix }: { readonly bucket: Bucket; readonly prefix: string },
): Promise<number> {
  const { items, lengths } = await stand.allObjects(scope, bucket, prefix)
  const allowed = []
  for (const object of objects.filter(({ bucketId, key }) => bucketId === bucket.id && key.startsWith(prefix))) {
    const { decision, fields = [] } = await stand.judge(scope, entity('StoredObject', object.id))
    if (decision && (prefix === '' || fields.includes('key'))) allowed.push({ object, fields })
  }
  const isShown = ({ fields }: { readonly fields: readonly string[] }) => fields.includes('key')
  const ordered = [
    ...allowed.filter(isShown).sort((a, b) => compareCodePoints(a.object.key, b.object.key)),
    ...allowed.filter((each) => !isShown(each)).sort((a, b) => compareCodePoints(a.object.id, b.object.id)),
  ]
  expect(items.map(({ row, fields }) => ({ id: row.id, fields }))).toEqual(
    ordered.map(({ object, fields }) => ({ id: object.id, fields })),
  )
  expect(lengths.slice(0, -1).every((length) => length === 4)).toBe(true)
  return items.length
}

/** Every row by the tree, against a check. */
async function compareTree(world: World, scope: RequestScope, { condition }: ConditionTree): Promise<number> {
  const { stand, buckets, objects } = world
  const rows = new Map<string, ReadonlyMap<string, Value>>(
    [...objects.map(objectEntity), ...buckets.map(bucketEntity)].map(({ uid, attributes }) => [uid.id, attributes]),
  )
  const declared = scope.policy.program.entityTypes
  const attribute = (of: { readonly type: string; readonly id: string }, name: string) => {
    const value = rows.get(of.id)?.get(name)
    return value === undefined ? undefined : writeValue(value, declared.get(of.type)?.attributes.get(name)?.type)
  }
  const listed: string[] = []
  const allowed: string[] = []
  for (const { id } of objects) {
    const resource = { type: 'StoredObject', id }
    const seen = readTreeNode(condition, { resource, attribute, locals: new Map() })
    if (typeof seen === 'object' && seen.v === true) listed.push(id)
    if ((await stand.judge(scope, entity('StoredObject', id))).decision) allowed.push(id)
  }
  expect(listed).toEqual(allowed)
  return listed.length
}

function agreement(name: string, env: () => Promise<{ readonly [name: string]: string }>): void {
  describe(name, () => {
    let world: World
    beforeAll(async () => {
      world = await openWorld({ ...(await env()), WRIT_REJUDGED_LISTS: '0.3' })
    }, 60_000)
    afterAll(() => world?.stand.close())

    test('the pages of a list are exactly the allowed checks, in order, whatever the rules (SPEC 7.7)', async () => {
      const { stand, buckets } = world
      const tenantId = stand.kernel.tenants.default().id
      const subjects = [...people.map((id) => entity('User', id)), entity('Client', 'demo'), entity('Anonymous', '')]
      const asked = fc.record({
        rules: fc.array(aRule, { minLength: 1, maxLength: 3 }),
        bucket: fc.constantFrom(...buckets),
        prefix: fc.constantFrom('', '', 'a', 'b_', 'secret/'),
      })
      let seen = 0
      await fc.assert(
        fc.asyncProperty(asked, async ({ rules, bucket, prefix }) => {
          const { policy, diagnostics } = await stand.kernel.policies.compose(tenantId, 'test', {
            'r.fbac': policyOf(rules),
          })
          if (!policy) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
          for (const subject of subjects)
            seen += await compare(world, await stand.scopeOf(subject, policy), { bucket, prefix })
        }),
        { numRuns: runs },
      )
      expect(seen).toBeGreaterThan(runs)
    }, 600_000)

    test('a condition tree, read by another reader, lists what checks allow, or says at what place it cannot (SPEC 7.8)', async () => {
      const { stand } = world
      const tenantId = stand.kernel.tenants.default().id
      const refused = new Set<string>()
      let listed = 0
      for (const when of conditions) {
        for (const effect of ['allow', 'deny']) {
          const rules = { 'r.fbac': policyOf([{ effect, to: 'anyone', whens: [when], fields: '' }]) }
          const { policy } = await stand.kernel.policies.compose(tenantId, 'test', rules)
          if (!policy) throw new Error(when)
          for (const person of people) {
            const scope = await stand.scopeOf(entity('User', person), policy)
            const made = await stand.kernel.lists.tree(scope, { action: 'read', type: 'StoredObject' })
            if (made.ok) listed += await compareTree(world, scope, made.tree)
            else for (const { code, message } of made.diagnostics) refused.add(`${code} ${message}`)
          }
        }
      }
      expect([...refused]).toEqual([])
      expect(listed).toBeGreaterThan(conditions.length)
    }, 120_000)

    test('buckets are listed by id, and none that a check refuses', async () => {
      const { stand, buckets } = world
      for (const person of people) {
        const scope = await stand.scopeOf(entity('User', person))
        const { items } = await stand.allBuckets(scope)
        const allowed = []
        for (const { id } of buckets) if ((await stand.judge(scope, entity('Bucket', id))).decision) allowed.push(id)
        expect(items.map(({ row }) => row.id).filter((id) => id !== 'demo')).toEqual(allowed.sort())
      }
    })
  })
}

agreement('embedded', async () => ({}))
let postgres: RealPostgres
afterAll(() => postgres?.stop())
describeWith(realPostgresNeed, 'on a PostgreSQL server', () => {
  agreement('server', async () => {
    postgres = await startRealPostgres()
    return { DATABASE_URL: await postgres.createDatabase() }
  })
})
