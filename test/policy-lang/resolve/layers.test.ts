import { describe, expect, test } from '@jest/globals'
import { actionKey, compileProgram, type PolicyFile } from '../../../policy-lang/index.ts'
import { canonicalText } from '../../../policy-lang/ir/canonical.ts'

const drive: PolicyFile = {
  path: 'drive.fbac',
  text: `module drive

entity Folder in Organization {
  owner: User
}

action read on Folder by anyone scope "drive:read"

action write on Folder by User via Client scope "drive:write" implies read

@id("owner")
allow any on f: Folder to owner of f
`,
}
const messages = (...files: PolicyFile[]) =>
  compileProgram(files).diagnostics.map((entry) => `${entry.code} ${entry.message}`)
const tenant = (text: string): PolicyFile => ({ path: 'tenant.fbac', text })

describe('layers (SPEC 6)', () => {
  test("the caller's word decides the layer; without it the file does", () => {
    const text = '@id("x")\nallow read on f: Folder to User\n'
    const layerOf = (file: PolicyFile) =>
      compileProgram([drive, file]).program?.rules.find((rule) => rule.id === 'x')?.layer
    expect(layerOf({ path: 'x.fbac', text })).toBe('tenant')
    expect(layerOf({ path: 'organizations/acme/x.fbac', text })).toBe('organization')
    expect(layerOf({ path: 'x.fbac', text, layer: 'organization', organization: 'acme' })).toBe('organization')
    expect(layerOf({ path: 'organizations/acme/x.fbac', text, layer: 'tenant' })).toBe('tenant')
  })

  test('an organization set is refused a module item, sealed rules and declarations', () => {
    const file = { path: 'x.fbac', layer: 'organization', organization: 'acme' } as const
    expect(messages(drive, { ...file, text: 'module x\n' })).toEqual(['F5002 an organization set cannot be a module'])
    expect(messages(drive, { ...file, text: 'sealed deny read on f: Folder to User\n' })).toEqual([
      'F5002 an organization set cannot hold `sealed` rules',
    ])
    expect(messages(drive, { ...file, text: 'extern fn risk(): Int\n' })).toEqual([
      'F5002 an organization set cannot hold `extern`',
    ])
  })

  test('an allow of an organization counts only where a delegate opens its action', () => {
    const rule = { path: 'organizations/acme/x.fbac', text: '@id("x")\nallow read on f: Folder to User\n' }
    expect(messages(drive, rule)).toEqual([
      'F9006 no delegate opens these actions to organizations, so this allow never counts',
    ])
    const opened = tenant('delegate read on f: Folder to User\n')
    expect(messages(drive, rule, opened)).toEqual([])
  })

  test("a delegate's condition stands in the allow that it opens, and in no deny", () => {
    const rules = '@id("x")\nallow read, write on f: Folder to User\n\n@id("y")\ndeny read on f: Folder to User\n'
    const file = { path: 'organizations/acme/x.fbac', text: rules }
    const opened = tenant('delegate read on f: Folder to User\n  when f.owner == subject\n')
    const textOf = (id: string) => {
      const rule = compileProgram([drive, file, opened]).program?.rules.find((entry) => entry.id === id)
      return rule ? canonicalText(rule.condition) : ''
    }
    const within = '(in hierarchy resource."organization" entity:"Organization"::"acme")'
    expect(textOf('y')).toBe(`(and ${within} (is subject ["User"]))`)
    expect(textOf('x')).toBe(
      `(and (eq action enum:"read") (eq resource."owner" subject) ${within} (is resource ["Folder"]) (is subject ["User"]))`,
    )
  })

  test('a disabled rule is kept and in no partition', () => {
    const { program } = compileProgram([drive, tenant('disable "owner"\n')])
    const index = program?.rules.findIndex((rule) => rule.id === 'owner') ?? -1
    expect(program?.rules[index]?.disabled).toBe(true)
    for (const entries of program?.partitions.values() ?? [])
      expect(entries.map((entry) => entry.rule)).not.toContain(index)
  })

  test('the same file twice is one file; two files of one module share its names', () => {
    expect(messages(drive, drive)).toEqual([])
    const more = { path: 'more.fbac', text: 'module drive\n\nfn big(n: Int): Bool = n > 3\n' }
    const user = { path: 'user.fbac', text: 'module drive\n\n@id("b")\nallow read on Folder to User\n  when big(4)\n' }
    expect(messages(drive, more, user)).toEqual([])
    expect(messages(drive, more, { ...user, text: user.text.replace('module drive', 'module other') })).toEqual([
      'F5001 module "other" does not declare the action "read" on Folder',
      'F2006 unknown function "big"',
    ])
  })
})

describe('built-in denies and flows (SPEC 3)', () => {
  test('scopes and actors are ordinary denies that flow up', () => {
    const { program } = compileProgram([drive])
    const ids = (action: string) =>
      program?.partitions
        .get(actionKey(action, 'Folder'))
        ?.map((entry) => `${program.rules[entry.rule]?.id} as ${entry.as}`)
    expect(ids('read')).toEqual(['owner as read', 'scope:drive:read as read', 'via:Folder.read as read'])
    expect(ids('write')).toEqual([
      'owner as write',
      'scope:drive:read as read',
      'scope:drive:write as write',
      'via:Folder.read as read',
      'via:Folder.write as write',
    ])
  })

  test('an allow flows only for subjects that its own action accepts', () => {
    const more = tenant('@id("w")\nallow write on Folder to anyone\n')
    const { program } = compileProgram([drive, more])
    const entries = program?.partitions.get(actionKey('read', 'Folder'))
    const flowed = entries?.find((entry) => program?.rules[entry.rule]?.id === 'w')
    expect(flowed).toMatchObject({ as: 'write', subjects: ['User'] })
  })

  test('a required chain of links leads to the organization', () => {
    const text = 'entity Note in Folder {\n}\n\nentity Loose {\n}\n'
    const { program } = compileProgram([drive, tenant(text)])
    expect(program?.entityTypes.get('Note')?.organizationPath).toEqual(['folder', 'organization'])
    expect(program?.entityTypes.get('Organization')?.organizationPath).toEqual([])
    expect(program?.entityTypes.get('Loose')?.organizationPath).toBeUndefined()
  })
})
