import type * as ast from '../ast/nodes.ts'
import type { TupleCondition } from '../ir/program.ts'
import { walk } from '../ir/walk.ts'
import type { FnInfo, RelationInfo } from '../resolve/environment.ts'
import type { Session } from './at.ts'
import { functionBody } from './functions.ts'
import { visibleFn } from './names.ts'

/**
 * `T if f`: a `fn` of Bool whose parameters come from the tuple, else from context (SPEC 3). Tuples name conditions on the
 * wire, so the name must mean one function in the whole set.
 */
export function checkTupleConditions(session: Session): Map<string, TupleCondition> {
  const conditions = new Map<string, TupleCondition>()
  const functions = new Map<string, FnInfo>()
  for (const info of session.environment.entities.values())
    for (const relation of info.relations.values()) {
      if (relation.node.kind !== 'storedRelation') continue
      for (const { condition } of relation.node.holders)
        if (condition) checkTupleCondition(condition, relation, { session, conditions, functions })
    }
  return conditions
}

type Collecting = {
  readonly session: Session
  readonly conditions: Map<string, TupleCondition>
  readonly functions: Map<string, FnInfo>
}

function checkTupleCondition(name: ast.Name, relation: RelationInfo, into: Collecting): void {
  const { reporter } = into.session
  const info = visibleFn(name.text, relation.unit)
  if (!info) {
    reporter.unknown('F2006', name, `unknown function "${name.text}"`, relation.unit.space.fns.keys())
    return
  }
  const known = into.functions.get(name.text)
  if (known && known !== info) {
    reporter.report('F4005', name.span, `two modules have a tuple condition "${name.text}"`, {
      help: 'rename one of the functions',
    })
    return
  }
  if (known) return
  into.functions.set(name.text, info)
  const params = functionBody(info, name.span, into.session)
  if (!params || !info.body) return
  if (info.body.type.kind !== 'bool') {
    reporter.report('F4005', name.span, `a tuple condition answers Bool, and "${name.text}" does not`)
    return
  }
  let caught = false
  let fetched = false
  walk(info.body, (node) => {
    caught ||= node.kind === 'attempt'
    fetched ||= node.kind === 'extern'
  })
  // A caught error could make a deny that asks for the relation vanish, and nothing on the deny would say so (SPEC 4).
  if (caught) reporter.report('F4005', name.span, `a tuple condition cannot catch errors, and "${name.text}" does`)
  if (fetched) reporter.report('F5901', name.span, 'a tuple condition that calls an extern is not yet supported')
  if (caught || fetched) return
  into.conditions.set(name.text, { name: name.text, params, body: info.body })
}
