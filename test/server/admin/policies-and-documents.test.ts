import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { actionKey } from '../../../policy-lang/index.ts'
import { checkGates } from '../../../server/admin/policy-gates.ts'
import { createPolicySets } from '../../../server/admin/policy-store.ts'
import { openRig, type Rig } from './rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await openRig()
}, 60_000)
afterAll(() => rig?.close())

const policy = (rules: string, members = '') =>
  `import User, Client from "writ:identity"\n\nentity Note {\n  status: "draft" | "done"\n  relation reader: User\n${members}}\n\naction peek on Note by anyone\n\n${rules}`
const open = policy('@id("open")\nallow peek on Note to anyone\n')
const closed = policy('@id("closed")\nallow peek on note: Note to reader of note\n')
const put = (text: string) => rig.call('PUT', '/admin/v1/policy-sets/notes', { files: { 'notes.fbac': text } })
const activate = async (text: string, body: object = {}) => {
  const draft = await put(text)
  return rig.call('POST', `/admin/v1/policy-sets/notes/drafts/${draft.body.draft}/activate`, body)
}
async function mayPeek(id = 'bob'): Promise<boolean> {
  const { kernel } = rig.server
  const tenant = kernel.tenants.default()
  const scope = {
    ...{ requestId: 'test', tenant, ip: '127.0.0.1', scopes: new Set<string>(), now: kernel.clock.now() },
    subject: { kind: 'entity', type: 'User', id },
    policy: await kernel.policies.current(tenant.id),
  } as const
  return (
    await kernel.decisions.decide(scope, { action: 'peek', resource: { kind: 'entity', type: 'Note', id: 'n1' } })
  ).decision
}

describe('policy sets (admin.md §3)', () => {
  test('activation changes the answer at once, a roll back changes it back', async () => {
    const first = await activate(open)
    expect([first.status, await mayPeek()]).toEqual([200, true])
    const second = await activate(closed)
    expect([second.status, await mayPeek()]).toEqual([200, false])
    const back = await rig.call('POST', '/admin/v1/policy-sets/notes/rollback', { to: first.body.active })
    expect([back.status, await mayPeek()]).toEqual([200, true])
  })

  test('a broken set is refused with every diagnostic, and the active one answers on', async () => {
    const broken = await put(`${open}\nallow peek on Noet to anyone\n\nallow pek on Note to anyone\n`)
    expect(broken.status).toBe(422)
    const found = broken.body.diagnostics as readonly { readonly line: number; readonly file: string }[]
    expect(found.map(({ file, line }) => [file, line])).toEqual([
      ['notes.fbac', 13],
      ['notes.fbac', 15],
    ])
    expect(await mayPeek()).toBe(true)
  })

  test('failing tests and a moved active version stop an activation', async () => {
    const failing = await activate(
      `${open}\ntest "nobody" {\n  let n = Note { status: "draft" }\n  expect deny peek on n by anonymous\n}\n`,
    )
    expect([failing.status, failing.body.code]).toEqual([422, 'policy_tests_failed'])
    const moved = await activate(closed, { ifActive: 'another' })
    expect([moved.status, moved.body.code]).toEqual([409, 'active_moved'])
    expect(await mayPeek()).toBe(true)
  })

  test('a relation that tuples use cannot vanish (409 names it)', async () => {
    const tuple = { resource: { type: 'Note', id: 'n1' }, relation: 'reader', subject: { type: 'User', id: 'bob' } }
    expect((await rig.call('POST', '/admin/v1/relations/write', { writes: [tuple] })).status).toBe(200)
    const lost = await activate(open.replace('  relation reader: User\n', ''))
    expect([lost.status, lost.body.used]).toEqual([409, ['1 tuples of Note.reader']])
  })

  test('a version that was altered in the database is not used: the last good one answers on', async () => {
    const { database, policies, withTransaction } = rig.server.kernel
    const active = (await createPolicySets(database, policies, 'default').find('notes'))?.activeVersion ?? ''
    const versions = () =>
      database.table('policy_version').where({ tenant_id: 'default', set_name: 'notes', version: active })
    const rewrite = async (text: string) => {
      await withTransaction(
        { tenantId: 'default', subject: { kind: 'entity', type: 'Server', id: 'test' } },
        async (unit) => {
          await versions().update({ files: JSON.stringify({ 'notes.fbac': text }) })
          unit.changed({ kind: 'policySet', name: 'notes' })
        },
      )
      await policies.settled('default')
    }
    await rewrite(closed)
    expect(await mayPeek()).toBe(true)
    expect(rig.logs.join('')).toContain('altered or not signed')
    await rewrite(open)
  })

  test('whoever would lock every administrator out is refused (409 would_lock_out)', async () => {
    const { database, policies, clock } = rig.server.kernel
    const made = await rig.call('POST', '/admin/v1/users', { email: 'root@example.test' })
    const on = { type: 'Tenant', id: 'default' }
    await rig.call('POST', '/admin/v1/assignments', { subject: { type: 'User', id: made.body.id }, role: 'admin', on })
    const composed = await policies.compose('default', 'notes', { 'notes.fbac': open })
    const lists = { unsayable: async () => [], disagreements: async () => [] }
    const gate = { database, tenantId: 'default', set: 'notes', composed, active: undefined, now: clock.now(), lists }
    await expect(checkGates(gate)).resolves.toBeUndefined()
    // Tenants cannot write such rules, for the platform's are sealed: a program without them stands for a platform that could.
    if (!composed.policy) throw new Error('it compiles')
    const { program } = composed.policy
    const partitions = new Map([...program.partitions].filter(([key]) => key !== actionKey('activate', 'PolicySet')))
    const locked = { ...composed, policy: { ...composed.policy, program: { ...program, partitions, tests: [] } } }
    await expect(checkGates({ ...gate, composed: locked })).rejects.toThrow('would_lock_out')
  })
})

describe('entities and relations', () => {
  test('an undeclared attribute or a wrong value is 422 with what was meant', async () => {
    const answer = await rig.call('PUT', '/admin/v1/entities/Note/n1', { attributes: { statu: 'draft', status: 'dr' } })
    expect(answer.status).toBe(422)
    expect(answer.body.errors?.map(({ pointer }) => pointer)).toEqual(['/attributes/statu', '/attributes/status'])
    expect(answer.text).toContain('did you mean status?')
    expect((await rig.call('PUT', '/admin/v1/entities/Note/n1', { attributes: { status: 'draft' } })).status).toBe(201)
  })

  test('an import reports each batch and writes none of a batch with a mistake', async () => {
    const lines = [...Array(500).keys()].map((n) =>
      JSON.stringify({ type: 'Note', id: `i${n}`, attributes: { status: 'done' } }),
    )
    const raw = [
      ...lines,
      '{"type":"Note","id":"bad","attributes":{"status":"?"}}',
      '{"type":"Note","id":"good"}',
      '',
    ].join('\n')
    const answer = await rig.call('POST', '/admin/v1/entities/import', undefined, {
      raw,
      headers: { 'content-type': 'application/x-ndjson' },
    })
    const [first, second, last] = answer.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect([first.written, second.written, second.errors[0].line]).toEqual([500, 0, 501])
    expect(last).toEqual({ done: true, lines: 502, written: 500, unchanged: 0, refused: 2 })
    expect((await rig.call('GET', '/admin/v1/entities/Note/good')).status).toBe(404)
  })

  test('a precondition that does not hold stops the whole write', async () => {
    const tuple = (id: string) => ({
      resource: { type: 'Note', id },
      relation: 'reader',
      subject: { type: 'User', id: 'eve' },
    })
    const answer = await rig.call('POST', '/admin/v1/relations/write', {
      writes: [tuple('n9')],
      preconditions: [{ mustExist: tuple('n8') }],
    })
    expect([answer.status, answer.body.code]).toEqual([409, 'precondition_failed'])
    expect((await rig.call('GET', '/admin/v1/relations?resourceId=n9')).body.items).toEqual([])
    expect(
      (await rig.call('POST', '/admin/v1/relations/write', { writes: [{ ...tuple('n1'), relation: 'redaer' }] }))
        .status,
    ).toBe(422)
  })
})

describe('documents (surface.md, CLI)', () => {
  const documents = [
    {
      kind: 'Relation',
      name: 'carol-reads',
      spec: { resource: { type: 'Note', id: 'n1' }, relation: 'reader', subject: { type: 'User', id: 'carol' } },
    },
    {
      kind: 'User',
      name: 'carol',
      spec: { email: 'carol@example.test', emailVerified: true, password: 'seven lilac gardens at dawn' },
    },
    { kind: 'Client', name: 'web', spec: { redirectUris: ['http://127.0.0.1:4444/cb'], scope: 'openid' } },
    { kind: 'Entity', name: 'Note/n2', spec: { attributes: { status: 'draft' } } },
    { kind: 'PolicySet', name: 'notes', spec: { files: { 'notes.fbac': closed } } },
  ]

  test('plan says what apply does; a second apply changes nothing; names of users become ids', async () => {
    const planned = await rig.call('POST', '/admin/v1/plan', { documents })
    expect((await rig.call('GET', '/admin/v1/clients/web')).status).toBe(404)
    const applied = await rig.call('POST', '/admin/v1/apply', { documents })
    expect([applied.status, applied.body.created]).toEqual([200, planned.body.created])
    expect(applied.body.changed).toEqual(planned.body.changed)
    expect(applied.body.secrets).toHaveProperty(['Client/web', 'clientSecret'])
    const again = await rig.call('POST', '/admin/v1/apply', { documents })
    expect([again.body.created, again.body.changed, again.body.deleted, again.body.secrets]).toEqual([[], [], [], {}])
    const ids = applied.body.ids as { readonly [name: string]: string }
    expect([await mayPeek(ids['User/carol']), await mayPeek('carol')]).toEqual([true, false])
  })

  test('a planned tenant is none', async () => {
    const tenant = { documents: [{ kind: 'Tenant', name: 'ghost', spec: {} }] }
    expect((await rig.call('POST', '/admin/v1/plan', tenant)).body.created).toEqual(['Tenant/ghost'])
    expect((await rig.call('GET', '/t/ghost/.well-known/openid-configuration')).status).toBe(404)
    expect((await rig.call('POST', '/admin/v1/apply', tenant)).status).toBe(200)
    expect((await rig.call('GET', '/t/ghost/.well-known/openid-configuration')).status).toBe(200)
  })

  test('one document that does not fit undoes all of them, and is named', async () => {
    const wrong = [
      { kind: 'User', name: 'dan', spec: { email: 'dan@example.test' } },
      { kind: 'Entity', name: 'Note/n3', spec: { attributes: { statsu: 'draft' } } },
    ]
    const answer = await rig.call('POST', '/admin/v1/apply', { documents: wrong })
    expect([answer.status, answer.body.errors?.[0]?.name]).toEqual([422, 'Note/n3'])
    expect((await rig.call('GET', '/admin/v1/users?email=dan@example.test')).body.items).toEqual([])
  })

  test('unknown kinds and members are refused with their lines', async () => {
    const raw = 'kind: Usr\nname: x\nspec: {}\n---\nkind: User\nname: y\nspec:\n  email: y@example.test\n  emial: z\n'
    const answer = await rig.call('POST', '/admin/v1/apply', undefined, {
      raw,
      headers: { 'content-type': 'application/yaml' },
    })
    expect(answer.status).toBe(422)
    expect(answer.body.errors?.[0]).toMatchObject({ code: 'unknown_kind', line: 1 })
    expect(answer.body.errors?.[1]).toMatchObject({ code: 'unknown_field', line: 9 })
  })

  test('prune deletes what documents made and these do not list, and nothing else', async () => {
    const kept = documents.filter(({ kind }) => kind !== 'Client')
    const answer = await rig.call('POST', '/admin/v1/apply', { documents: kept, prune: true })
    expect(answer.body.deleted).toEqual(['Client/web'])
    const exported = await rig.call('GET', '/admin/v1/export')
    expect(exported.text).toContain('name: carol-reads')
    expect(exported.text).not.toMatch(/seven lilac|argon2|hash/i)
  })
})
