import type { Rule } from '../ir/program.ts'
import type { FieldType } from '../ir/types.ts'
import type { ActionInfo } from '../resolve/environment.ts'

/** A checked rule with what only the compiler needs to know about it. */
export type DraftRule = {
  readonly rule: Rule
  /** Of the rule, for the hash of the program (SPEC 6, identity). */
  readonly digest: string
  /** Its id was given, not derived from its text (SPEC 5.17). */
  readonly isNamed: boolean
  readonly targets: readonly ActionInfo[]
  /** Members of context that it reads, as the rule sees them. */
  readonly reads: ReadonlyMap<string, FieldType>
  readonly readsAction: boolean
}
