import { describe, expect, test } from '@jest/globals'
import { checkFilter, compileFilter, compileProgram, createEntityStore } from '../../../policy-lang/index.ts'
import { entity } from '../program-kit.ts'
import { documentSource } from './filter-rows.ts'

const program = (condition: string) => {
  const text = `module filters

entity Person {}
entity Note {
  made: Time
  owner: Person
  label: String
}
action read on Note by Person
@id("r")
allow read on note: Note to any Person
  when ${condition}
`.replace('to any Person', 'to person: Person')
  const compiled = compileProgram([{ path: 'filters.fbac', text }])
  if (!compiled.program) throw new Error(JSON.stringify(compiled.diagnostics.map(({ message }) => message)))
  return compiled.program
}
const asked = { subjectType: 'Person', action: 'read', type: 'Note' }
const said = (condition: string) => {
  const made = program(condition)
  return checkFilter(made, asked, documentSource(made, 't')).map(({ code, message }) => `${code} ${message}`)
}

describe('what SQL cannot say is refused at load time, at its place (SPEC 7.7)', () => {
  test('a clock of a zone: two databases of time zones may differ', () => {
    expect(said('note.made.hour("Asia/Seoul") > 8')).toEqual([
      'F7001 r cannot become a filter in SQL: `hour` of a stored time: the database has time zones of its own, which may differ',
    ])
  })

  test('the same of what is known before is worked out', () => {
    expect(said('context.now.hour("Asia/Seoul") > 8 and note.owner == person')).toEqual([])
  })

  test('texts of the policy and of the request are bound, never spliced', () => {
    const hostile = `x'); drop table entity; -- $1`
    const made = program(`note.label == "${hostile}"`)
    const subject = entity('Person', hostile)
    const store = createEntityStore(made)
    const question = { subject, action: 'read', type: 'Note', context: new Map() }
    const filter = compileFilter(made, store, question, { now: 0, source: documentSource(made, hostile) })
    expect(filter.ok && filter.sql).not.toContain('drop')
    expect(filter.ok && filter.bindings).toContain(hostile)
  })
})
