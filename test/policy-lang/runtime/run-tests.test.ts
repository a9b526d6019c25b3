import { describe, expect, test } from '@jest/globals'
import { compileProgram, createEvaluator, runTests } from '../../../policy-lang/index.ts'

/** The failures that one test item has, in both executors. */
function failuresOf(body: string): readonly string[] {
  const { program, diagnostics } = compileProgram([
    {
      path: 'p.fbac',
      text: `module p

import User from "writ:identity"

entity Paper {
  open: Bool
  title: String
  until?: Time
}
action read on Paper by User
action edit on Paper by User with { note: String }
@id("open")
allow read on p: Paper to User
  when p.open
  fields open, title
@id("noted")
allow edit on p: Paper to User
  when context.note == "ok"
@id("closed")
deny edit on p: Paper to User
  unless p.open
  because "Closed."
  advise captcha()

test "t" {
  let ann = User { }
  let good = Paper { open: true, title: "T" }
  let shut = Paper { open: false, title: "T" }
  let broken = Paper { title: "T" }
${body}
}
`,
    },
  ])
  if (!program) throw new Error(JSON.stringify(diagnostics))
  const messages = (report: ReturnType<typeof runTests>) =>
    report.cases.flatMap(({ failures }) => failures.map(({ message }) => message))
  const found = messages(runTests(program))
  expect(messages(runTests(program, createEvaluator(program).decide))).toEqual(found)
  return found
}

describe('test items (SPEC 9)', () => {
  test.each([
    'expect allow read on good by ann from "open" fields open, title',
    'expect deny read on shut by ann',
    'expect deny edit on shut by ann with { note: "ok" } from "closed" advises captcha',
    'expect deny read on broken by ann failing "open"',
    'expect deny edit on shut by ann with { } failing "noted"',
    'expect list read on Paper by ann is [good]',
  ])('%s', (line) => {
    const failures = failuresOf(`  ${line}`)
    // The last one meets `broken`, whose absence from the list hangs on an error.
    expect(failures).toEqual(
      line.includes('list') ? ['Paper::"broken" hangs on an error ("open" fails: missing resource.open)'] : [],
    )
  })

  test.each([
    ['expect deny read on good by ann', 'read: expected deny, got allow (from "open")'],
    ['expect allow read on shut by ann', 'read: expected allow, got deny'],
    ['expect allow read on good by ann fields open', 'read: fields: expected "open", got "open", "title"'],
    ['expect allow read on good by ann from "noted"', 'read: from: expected "noted", got "open"'],
    ['expect deny edit on shut by ann with { note: "ok" } advises stepUp', 'read: advises'],
    [
      'expect deny read on broken by ann',
      'read: the decision hangs on an error; say failing "open" ("open" fails: missing resource.open)',
    ],
    ['expect list read on Paper by ann is [shut]', 'is: expected "shut", got "good"'],
  ])('%s fails', (line, message) => {
    expect(
      failuresOf(`  ${line}`)[0]?.replace('edit: advises: expected "stepUp", got "captcha"', 'read: advises'),
    ).toBe(message)
  })
})
