import type { EntityValue, Tuple } from '../../policy-lang/index.ts'
import { type BareTuple, bareTupleOf, subjectColumns } from '../relations/tuple-row.ts'

// casbin knows names only. INVARIANT: subjects, roles and domains are told apart by their first letter, and their parts by JSON,
// so that no id can be taken for another name.

export const subjectName = (subject: Tuple['subject']): string => {
  const { subject_type, subject_id, subject_relation } = subjectColumns(subject)
  return `s${JSON.stringify([subject_type, subject_id, subject_relation])}`
}
export const roleName = (scopeType: string, role: string): string => `r${JSON.stringify([scopeType, role])}`
export const domainName = (at: Pick<EntityValue, 'type' | 'id'>): string => `d${JSON.stringify([at.type, at.id])}`

/** A tuple as a rule `g`: who, role, domain, and when it ends ('' = never), which casbin itself does not look at. */
export const ruleOf = (tuple: BareTuple): string[] => [
  subjectName(tuple.subject),
  roleName(tuple.resource.type, tuple.relation),
  domainName(tuple.resource),
  tuple.until === undefined ? '' : new Date(tuple.until).toISOString(),
]

/** The way back; undefined where the rule is none of an assignment. */
export function tupleOfRule([subject = '', role = '', domain = '', until = '']: readonly string[]):
  | BareTuple
  | undefined {
  if (!subject.startsWith('s') || !role.startsWith('r') || !domain.startsWith('d')) return undefined
  const [subject_type = '', subject_id = '', subject_relation = ''] = parts(subject)
  const [resource_type = '', resource_id = ''] = parts(domain)
  const relation = roleOfName(role).role
  return bareTupleOf({
    ...{ resource_type, resource_id, relation, subject_type, subject_id, subject_relation },
    until: until === '' ? null : new Date(until),
  })
}

export const roleOfName = (name: string): { readonly scopeType: string; readonly role: string } => {
  const [scopeType = '', role = ''] = parts(name)
  return { scopeType, role }
}

/** Written above and nowhere else, so it is a list of strings. */
const parts = (name: string): readonly string[] => JSON.parse(name.slice(1)) as readonly string[]
