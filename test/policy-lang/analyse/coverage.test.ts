import { expect, test } from '@jest/globals'
import { compileProgram, measureCoverage } from '../../../policy-lang/index.ts'

const coverageOf = (tests: string) => {
  const { program, diagnostics } = compileProgram([
    {
      path: 'p.fbac',
      text: `module p

import User from "writ:identity"

entity Paper {
  open: Bool
  size: Int
}
action read on Paper by User
@id("open")
allow read on p: Paper to User
  when p.open and p.size < 5
@id("never")
deny read on p: Paper to User
  when p.size == 9

test "t" {
  let ann = User { }
  let a = Paper { open: true, size: 1 }
  let b = Paper { open: false, size: 7 }
${tests}
}
`,
    },
  ])
  if (!program) throw new Error(JSON.stringify(diagnostics))
  return measureCoverage(program)
}

test('a rule is covered once it has counted, a condition once it was true and false (SPEC 9)', () => {
  const one = coverageOf('  expect allow read on a by ann')
  expect(one).toMatchObject({ coveredRules: 1, conditions: 3, coveredConditions: 0 })
  expect(one.rules).toMatchObject([
    { id: 'never', counted: false, notCounted: true, conditions: [{ seenTrue: false, seenFalse: true }] },
    { id: 'open', counted: true, notCounted: false },
  ])
  expect(coverageOf('  expect allow read on a by ann\n  expect deny read on b by ann').coveredConditions).toBe(2)
})

test('a list expectation shows every row of its type', () => {
  expect(coverageOf('  expect list read on Paper by ann is [a]')).toMatchObject({
    coveredRules: 1,
    coveredConditions: 2,
  })
})

test('`!=` and `not in` are true where their text is true (SPEC 9)', () => {
  const { program } = compileProgram([
    {
      path: 'p.fbac',
      text: `import User from "writ:identity"
entity Paper { size: Int }
action read on Paper by User
@id("r")
allow read on p: Paper to User
  when p.size != 1 and not (p.size not in [2]) and not (p.size > 5)
test "t" {
  let ann = User { }
  let a = Paper { size: 2 }
  expect allow read on a by ann
}
`,
    },
  ])
  if (!program) throw new Error('the set is right')
  const [rule] = measureCoverage(program).rules
  expect(rule?.conditions.map(({ seenTrue, seenFalse }) => [seenTrue, seenFalse])).toEqual([
    [true, false],
    [false, true],
    [false, true],
  ])
})
