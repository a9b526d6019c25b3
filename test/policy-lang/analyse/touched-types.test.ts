import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { compileProgram, createEntityStore, interpret, type Program, touchedTypes } from '../../../policy-lang/index.ts'
import { anyRules, anyWorld, documents, schemaProgram, subjects, withRules } from '../agreement/generated.ts'

const runs = { numRuns: Number(process.env.WRIT_AGREEMENT_RUNS ?? 300) }

function programOf(text: string): Program {
  const { program, diagnostics } = compileProgram([{ path: 'p.fbac', text }])
  if (!program) throw new Error(JSON.stringify(diagnostics))
  return program
}

const schema = `module p
import User, Group, Organization from "writ:identity"
entity Region {}
entity Store in Region {
  relation agent: User | Group
}
entity Order in Store {
  customer?: User
  total: Int
  relation helper: User
  relation canSee = helper or store.agent
}
action read on Order by User with { to?: User }
`
const touched = (rule: string): readonly string[] =>
  [
    ...touchedTypes(programOf(`${schema}@id("a")\n${rule}\n`), {
      action: 'read',
      subjectType: 'User',
      resourceType: 'Order',
    }),
  ].sort()

describe('types whose rows a decision may read (SPEC 7, facts)', () => {
  test('comparing ids and types reads no row', () => {
    expect(touched('allow read on o: Order to user: User when user == context.to')).toEqual([])
  })
  test('an attribute is read of the type that has it, wherever the value came from', () => {
    expect(touched('allow read on o: Order to user: User when context.to?.emailVerified ?? false')).toEqual(['User'])
    expect(touched('allow read on o: Order to user: User when o.customer?.status == "active"')).toEqual([
      'Order',
      'User',
    ])
  })
  test('a relation reads the path that it follows, not the holders', () => {
    expect(touched('allow read on o: Order to helper of o')).toEqual([])
    expect(touched('allow read on o: Order to canSee of o')).toEqual(['Order'])
    expect(touched('allow read on o: Order to customer of o')).toEqual(['Order'])
  })
  test('climbing reads what stands between, and what may lack a link (SPEC 5.5)', () => {
    expect(touched('allow read on o: Order to user: User when o in o.store.region')).toEqual(['Order', 'Store'])
  })
  test('roles are data: any relation of any type may matter', () => {
    expect(touched('allow read on o: Order to permitted of o.store')).toEqual(['Order'])
  })
})

test('leaving the rows of every other type unread changes nothing', () => {
  fc.assert(
    fc.property(anyRules, anyWorld, (rules, world) => {
      const program = withRules(rules)
      const options = { now: 1000, externs: () => world.risk }
      for (const action of ['read', 'edit']) {
        for (const subject of subjects) {
          const types = touchedTypes(program, { action, subjectType: subject.type, resourceType: 'Document' })
          const [whole, part] = [createEntityStore(schemaProgram), createEntityStore(schemaProgram)]
          for (const each of world.entities) {
            whole.putEntity(each)
            if (types.has(each.uid.type)) part.putEntity(each)
          }
          for (const each of world.tuples) {
            whole.putTuple(each)
            part.putTuple(each)
          }
          for (const resource of documents.slice(0, 2)) {
            const request = { subject, action, resource, context: world.context }
            expect(interpret(program, part, request, options)).toEqual(interpret(program, whole, request, options))
          }
        }
      }
    }),
    runs,
  )
})
