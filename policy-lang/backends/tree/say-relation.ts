import type { EntityValue } from '../../ir/nodes.ts'
import type { AttributeType, Program, RelationExpr } from '../../ir/program.ts'
import type { heldIds } from '../sql/held-ids.ts'
import { Untranslatable } from '../sql/sql-value.ts'
import type { TreeNode } from './condition-tree.ts'
import { typeName } from './type-name.ts'

export type Holding = {
  readonly program: Program
  /** Who asks. */
  readonly subject: EntityValue
  readonly held: Pick<ReturnType<typeof heldIds>, 'held'>
}
/** An entity of one known type. */
export type TreeEntity = { readonly node: TreeNode; readonly type: string }

/** Does the asker hold the relation of the entity (SPEC 3.6)? Ids where tuples alone say so, else what it is made of. */
export function sayRelation(at: Holding, of: TreeEntity, relation: string): TreeNode {
  const declared = at.program.entityTypes.get(of.type)
  const attribute = declared?.attributes.get(relation)
  if (attribute) return isSubject(at, of, attribute)
  const found = declared?.relations.get(relation)
  if (!found) return { op: 'value', type: 'Bool', value: false }
  const ids = at.held.held?.(relation, of.type)
  if (ids) return { op: 'oneOf', of: of.node, ids: ids.holds, errors: ids.fails }
  if (found.kind === 'computed') return sayBody(at, of, found.body)
  throw new Untranslatable(`who holds "${relation}" of ${of.type}, which attributes decide`)
}

function sayBody(at: Holding, of: TreeEntity, body: RelationExpr): TreeNode {
  if (body.kind === 'step') return sayStep(at, of, body)
  const [left, right] = [sayBody(at, of, body.left), sayBody(at, of, body.right)]
  return body.kind === 'minus'
    ? { op: 'and', of: [left, { op: 'not', of: right }] }
    : { op: body.kind, of: [left, right] }
}

/** Along links of one entity each: they have one end, for which any and all are the same. */
function sayStep(at: Holding, of: TreeEntity, { path, relation }: RelationExpr & { readonly kind: 'step' }): TreeNode {
  const [name, ...rest] = path
  if (name === undefined) return sayRelation(at, of, relation)
  const attribute = at.program.entityTypes.get(of.type)?.attributes.get(name)
  const types = attribute?.type.kind === 'entity' ? attribute.type.types : []
  const [only] = types
  if (!attribute || only === undefined || types.length !== 1)
    throw new Untranslatable(`the path over "${name}" of ${of.type}`)
  const node = attributeNode(of, attribute)
  const onwards = sayStep(at, { node, type: only }, { kind: 'step', path: rest, relation, all: false })
  return attribute.optional ? { op: 'and', of: [{ op: 'has', of: node }, onwards] } : onwards
}

/** The attribute is the subject, or a set with it. */
function isSubject({ program, subject }: Holding, of: TreeEntity, attribute: AttributeType): TreeNode {
  const { name, type } = attribute
  const member = type.kind === 'set' ? type.of : type
  const types = member.kind === 'entity' ? member.types : []
  // A group among them stands for its members: that is no comparison.
  if (types.some((each) => program.entityTypes.get(each)?.relations.has('member')))
    throw new Untranslatable(`who holds "${name}" by its members`)
  const left = attributeNode(of, attribute)
  const right: TreeNode = { op: 'value', type: subject.type, value: { type: subject.type, id: subject.id } }
  return type.kind === 'set' ? { op: 'in', left: right, right: left } : { op: 'eq', left, right }
}

const attributeNode = ({ node }: TreeEntity, { name, type, optional }: AttributeType): TreeNode => ({
  ...{ op: 'attribute', of: node, name, type: typeName(type), optional, safe: false },
})
