import { actionKey, type Program, type Request, touchedTypes } from '../../policy-lang/index.ts'
import type { BoundRows } from './bound-rows.ts'

/** Can the decision depend on a row of a bound table? Asked once for each action and pair of types of a program. */
export function createBoundReads({
  isBound,
}: Pick<BoundRows, 'isBound'>): (program: Program, request: Request) => boolean {
  const known = new WeakMap<Program, Map<string, boolean>>()
  return (program, { action, subject, resource }) => {
    const answers = known.get(program) ?? new Map<string, boolean>()
    const key = `${action}\u0000${resource.type}\u0000${subject.type}`
    const answer = answers.get(key)
    if (answer !== undefined) return answer
    // Names that the schema does not have are not remembered: a caller cannot fill the memory.
    const isKnown = program.actions.has(actionKey(action, resource.type)) && program.entityTypes.has(subject.type)
    if (!isKnown) return true
    const touched = touchedTypes(program, { action, subjectType: subject.type, resourceType: resource.type })
    const reads = [...touched].some(isBound)
    known.set(program, answers.set(key, reads))
    return reads
  }
}
