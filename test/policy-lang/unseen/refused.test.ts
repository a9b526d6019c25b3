import { describe, expect, test } from '@jest/globals'
import { compileProgram } from '../../../policy-lang/index.ts'

// What the design's page of the language calls an error when a set is loaded, and beside it what it allows.

const base = `import User, Client, Group, Organization from "writ:identity"
type Level = "low" < "high"
entity Folder in Organization, parent: Folder? {
  owner: User
  relation viewer: User | Group
}
entity Doc in Folder {
  author: User
  title: String
  level: Level
  kind: "note" | "page"
  size: Int
  price: Decimal
  due?: Time
  tags: Set<String>
  by: User | Client
  nick?: String
  rates: Map<Int>
  home: { city: String, zip?: String }
  @personal secretName?: String
}
action read on Doc by User with { reason?: String }
action edit on Doc by User with { reason: String } implies read
action open on Doc by anyone
extern fn risk(who: User): Int within 20ms else 0
fn isHigh(l: Level): Bool = l == "high"
`
const rule = (condition: string): string => `@id("r")\nallow read on d: Doc to u: User\n  when ${condition}\n`
const deny = (rest: string): string => `@id("r")\ndeny edit on d: Doc to u: User\n${rest}\n`

const errorsIn = (text: string, path = 'set.fbac'): readonly string[] =>
  compileProgram([{ path, text: `${base}${text}` }]).diagnostics.flatMap(({ severity, message }) =>
    severity === 'error' ? [message] : [],
  )

const allowed: readonly [string, string][] = [
  ['an optional under `has`', rule('has d.due and d.due > context.now')],
  ['… whichever side the guard stands on', rule('d.due > context.now and has d.due')],
  ['a default', rule('(d.nick ?? "x") != "y"')],
  ['`==` and `in` with an optional', rule('d.nick == "x" or d.nick in d.tags')],
  ['a relation right of `in`', rule('u in d.folder.viewer')],
  ['order of an ordered enum', rule('d.level >= "high"')],
  ['`is` before a member of one type', rule('d.by is User and d.by.emailVerified')],
  ['decimals by a whole number', rule('d.price * 2 <= decimal("1.5") + 2.0')],
  ['a map by key with a default', rule('(d.rates["eur"] ?? 0) > 1')],
  ['`not in` of a set', rule('d.kind not in ["note"]')],
  ['a caught error in an allow', rule('attempt(d.size * d.size > 4, false)')],
  [
    'a caught error in a deny that says so',
    deny('  when attempt(d.size * 2 > 4, false)').replace('deny', '@failsOpen\ndeny'),
  ],
  ['argument of the action', '@id("r")\nallow edit on Doc to User\n  when context.reason.length > 3\n'],
  ['the chain to the organization', rule('d.organization == Organization::"o"')],
  ['`any` without `on`', '@id("r")\nallow any to u: User\n  when u == User::"root"\n'],
  [
    'names that are words elsewhere',
    'entity Odd { to: Int, test: Int, list: Int, fields: Int, module: Int, via: Int }\n',
  ],
  ['a relation through itself', 'extend entity Folder { relation sees = viewer or parent.sees }\n'],
  ['a trailing comma inside brackets', rule('d.kind in ["note", "page",]')],
  ['members of a body parted by nothing', 'entity Two { a: Int b: Int }\n'],
  ['a lone closing brace in column 1', 'entity Three {\n  a: Int\n}\n'],
]

const refused: readonly [string, string][] = [
  ['an unguarded optional', rule('d.due > context.now')],
  ['`!=` on an optional', rule('d.nick != "x"')],
  ['`not in` on an optional', rule('d.nick not in d.tags')],
  ['`has` of what is never absent', rule('has d.title')],
  ['a chain of comparisons', rule('1 < d.size < 3')],
  ['order of a plain enum', rule('d.kind < "page"')],
  ['order of Bool', rule('isHigh(d.level) < true')],
  ['a literal outside its enum', rule('d.kind == "letter"')],
  ['an unknown attribute', rule('d.titel == "x"')],
  ['an unknown action', '@id("r")\nallow raed on Doc to User\n'],
  ['an unknown relation', '@id("r")\nallow read on d: Doc to viewr of d.folder\n'],
  ['an unknown type', 'entity X in Nowhere { }\n'],
  ['division', rule('d.size / 2 > 1')],
  ['remainder', rule('d.size % 2 == 1')],
  ['Int with Decimal', rule('d.price > 5')],
  ['Decimal by Decimal', rule('d.price * 1.5 > 2.0')],
  ['five fraction digits', rule('d.price > 1.00001')],
  ['a leading zero', rule('d.size > 007')],
  ['an Int beyond 64 bits', rule('d.size < 9_223_372_036_854_775_808')],
  ['two units in a duration', rule('context.now - context.now < 1h30m')],
  ['months', rule('context.now - context.now < 1M')],
  ['a time without an offset', rule('context.now > 2026-01-01T00:00:00')],
  ['a day that is none', rule('context.now > 2026-02-30T00:00:00Z')],
  ['an unknown zone', rule('context.now.hour("Europe/Atlantis") > 1')],
  ['a range with host bits', rule('has context.ip and context.ip in ip("10.0.0.1/8")')],
  ['`ip` of what is computed', rule('has context.ip and context.ip in ip(d.title)')],
  ['a member of only one type of a union', rule('d.by.emailVerified')],
  ['a relation in a quantifier', rule('any(v in d.folder.viewer: v == u)')],
  ['an argument of another action', rule('context.reasn == "x"')],
  ['an optional argument unguarded', rule('context.reason.length > 3')],
  ['an extern argument that is a quantifier variable', rule('any(x in [User::"a"]: risk(x) > 3)')],
  [
    'an extern of an extern',
    'extern fn other(n: Int): Int else 0\n@id("r")\nallow read on Doc to u: User\n  when other(risk(u)) > 3\n',
  ],
  ['`subject` in a function', 'fn who(): Bool = subject == User::"a"\n'],
  ['`resource` in a function', 'fn what(): Bool = resource is Doc\n'],
  ['a function that calls itself', 'fn f(n: Int): Int = f(n - 1)\n'],
  ['a caught error in a deny', deny('  when attempt(d.size * 2 > 4, false)')],
  ['a deny with a text and no id', 'deny edit on Doc to User\n  because "No."\n'],
  ['advice that is not declared', deny('  advise shout(loud: true)')],
  [
    'advice that tells what is personal',
    `advice tell(name: String)\n${deny('  advise tell(name: d.secretName ?? "")')}`,
  ],
  ['advice that can fail', `advice tell(n: Int)\n${deny('  advise tell(n: d.size * 2)')}`],
  ['an action without `by`', 'action fly on Doc\n'],
  ['a circle of `implies`', 'action a on Doc by User implies b\naction b on Doc by User implies a\n'],
  ['a rule without `to`', '@id("r")\nallow read on Doc\n'],
  ['`on` left out without `any`', '@id("r")\nallow read to User\n'],
  ['a relation through minus of itself', 'extend entity Folder { relation no = viewer minus no }\n'],
  ['… through `all`', 'extend entity Folder { relation no = all parent.no }\n'],
  ['a required attribute in an extension', 'extend entity Doc { more: Int }\n'],
  ['an extension that declares again', 'extend entity Doc { title?: String }\n'],
  ['a required argument in an extension', 'extend action read on Doc with { more: Int }\n'],
  ['a type declared twice', 'entity Doc { }\n'],
  ['an action declared twice', 'action read on Doc by User\n'],
  ['two rules of one id', `${rule('true')}${rule('false')}`],
  ['a name that hides another', '@id("r")\nallow read on d: Doc to d: User\n'],
  ['a name for several patterns', '@id("r")\nallow read on d: Doc to author of d or w: User\n'],
  ['fields that are none', `${rule('true')}  fields titel\n`],
  ['`fields all except` of a member that is none', `${rule('true')}  fields all except home.street\n`],
  ['an unknown mark', '@idd("r")\nallow read on Doc to User\n'],
  ['`disable` of an unknown id', 'disable "nobody"\n'],
  ['`disable` of a built-in', 'extend action read on Doc via Client\ndisable "via:Doc.read"\n'],
  ['interpolation is text, an unknown escape is not', deny('  because "\\q"')],
  ['a regular expression', rule('d.title.matches("a.*")')],
  ['`like` with a computed pattern', rule('d.title.like(d.kind)')],
  ['concatenation', rule('d.title + "x" == "yx"')],
  ['a bare list with a trailing comma', '@id("r")\nallow read, on Doc to User\n'],
  ['a second item on an indented line', '@id("r")\nallow read on Doc to User\n  allow open on Doc to anyone\n'],
  ['a continuation in column 1', '@id("r")\nallow read on Doc to User\nwhen true\n'],
  ['a comparison that can never be true', rule('d.author == d.folder')],
  ['a subject that the action never has', '@id("r")\nallow read on Doc to Client\n'],
  ['`module` that is not first', 'module late\n'],
  ['a bidirectional control', '// \u202e\n'],
  ['NUL', '// \u0000\n'],
  ['a capital name of an attribute', 'entity Big { Name: String }\n'],
  ['a type in lower case', 'entity big { }\n'],
  ['two links of one type without names', 'entity Big in Folder, Folder { }\n'],
  [
    'a tuple condition that reads the subject',
    'fn mine(): Bool = subject is User\nextend entity Doc { relation x: User if mine }\n',
  ],
  ['an unknown member of standard context', rule('context.user == u')],
]

describe('a set that the page allows loads (SPEC 2 to 6)', () => {
  test.each(allowed)('%s', (_, text) => {
    expect(errorsIn(text)).toEqual([])
  })
})

describe('a set that the page refuses does not load (SPEC 2 to 6)', () => {
  test('without an addition the set is right', () => {
    expect(errorsIn('')).toEqual([])
  })

  test.each(refused)('%s', (_, text) => {
    expect(errorsIn(text)).not.toEqual([])
  })
})
