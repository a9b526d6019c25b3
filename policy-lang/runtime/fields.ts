import { compareCodePoints } from '../builtins/code-points.ts'
import type { Program } from '../ir/program.ts'
import type { FieldType } from '../ir/types.ts'

/** Attributes and links of a type down into records: the universe that field lists select from (SPEC 5, fields). */
export type FieldTree = {
  /** Every path that ends in no record, dotted, sorted by code point. */
  readonly leaves: readonly string[]
  /** Does selecting `path` select the leaf? */
  covers(path: string, leaf: string): boolean
  /** The shortest list that says the same: a record whose every leaf is there stands for them. */
  shorten(leaves: ReadonlySet<string>): readonly string[]
}

export function fieldTree(program: Pick<Program, 'entityTypes'>, type: string): FieldTree {
  const members = [...(program.entityTypes.get(type)?.attributes ?? [])].map(([name, field]) => ({ name, field }))
  const nodes = members.map(({ name, field }) => nodeOf(name, field))
  return {
    leaves: nodes.flatMap(leavesOf).sort(compareCodePoints),
    covers: (path, leaf) => leaf === path || leaf.startsWith(`${path}.`),
    shorten: (leaves) => nodes.flatMap((node) => shortest(node, leaves)).sort(compareCodePoints),
  }
}

/** What one allow opens: its own list (none = everything) without what the masking denies take. */
export function openedBy(
  tree: FieldTree,
  own: readonly string[] | undefined,
  masks: readonly (readonly string[])[],
): readonly string[] {
  const taken = masks.flat()
  return tree.leaves.filter((leaf) => {
    const given = own === undefined || own.some((path) => tree.covers(path, leaf))
    return given && !taken.some((path) => tree.covers(path, leaf))
  })
}

type TreeNode = { readonly path: string; readonly children: readonly TreeNode[] }

function nodeOf(path: string, field: FieldType): TreeNode {
  const inner = field.type.kind === 'record' ? Object.entries(field.type.fields) : []
  return { path, children: inner.map(([name, member]) => nodeOf(`${path}.${name}`, member)) }
}
const leavesOf = (node: TreeNode): readonly string[] =>
  node.children.length === 0 ? [node.path] : node.children.flatMap(leavesOf)

function shortest(node: TreeNode, leaves: ReadonlySet<string>): readonly string[] {
  if (leavesOf(node).every((leaf) => leaves.has(leaf))) return [node.path]
  return node.children.flatMap((child) => shortest(child, leaves))
}
