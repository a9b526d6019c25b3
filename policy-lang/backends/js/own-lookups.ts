import { type Memo, type Node, nothingFound } from '../../entities/node.ts'
import type { Expr } from '../../ir/nodes.ts'
import type { Lookup } from '../../optimise/plan-partition.ts'
import { constant, type Emitter } from './compile-expression.ts'
import type { TopTable } from './make-branch.ts'
import { parameters, temporariesIn } from './rule-shapes.ts'
import type { Branch } from './walk-branch.ts'

/** Whose own attributes and ancestors a look-up reads, and nothing else. */
export type Owner = 'subject' | 'resource'

/** What partitions remember of one node at once: as many actions are mostly asked about it in turn. */
const remembered = 4
/** From this many look-ups on, reading what was found is cheaper than looking again. */
export const worthRemembering = 2

export function ownerOf({ key }: Lookup): Owner | undefined {
  if (key.kind === 'same') return undefined
  const root = key.of.kind === 'attribute' && key.kind !== 'above' ? key.of.of : key.of
  return isOwner(root) ? root.name : undefined
}

const isOwner = (expr: Expr): expr is Expr & { readonly kind: 'variable'; readonly name: Owner } =>
  expr.kind === 'variable' && expr.scope === 'request' && (expr.name === 'subject' || expr.name === 'resource')

/**
 * Look-ups that depend on one node alone are made once and remembered on the node until it changes: a decision then reads one
 * place instead of each attribute and what it points to. Views and overlays, where ancestors may be others, look again.
 *
 * `name`: of the function that looks. Answers its text, and that of a block.
 */
export function ownBlock(
  owner: Owner,
  tables: readonly TopTable[],
  { name, places, to }: { readonly name: string; readonly places: readonly Branch[]; readonly to: Emitter },
): { readonly looking: string; readonly block: string } {
  const [key, list, node] = [constant(Object.freeze({}), to), constant(places, to), owner === 'subject' ? 's' : 'r']
  const collecting = tables.map((table) => table.collecting).join('')
  const direct = tables.map((table) => table.code).join('')
  const temporaries = temporariesIn(direct, to)
  const known = `const f=${node}.memoOf===${key}?${node}.memo:rc(${node},${key})??rm(${node},${key},${name}(run));`
  const walking = `for(let i=0;i<f.length;i++)st=w(${list}[f[i]],st,run);return st`
  return {
    looking: `function ${name}(run){${parameters}${temporaries}const f=[];${collecting}return f}`,
    block: `if(g.isStore&&${node}.at>=0){${known}${walking}}${temporaries}${direct}return st`,
  }
}

/** What the node remembers for `of` beside what stands on it itself. */
export function recall(node: Node, of: object): readonly number[] | undefined {
  for (let memo = node.further; memo !== undefined; memo = memo.next) if (memo.of === of) return memo.found
  return undefined
}

export function remember(node: Node, of: object, found: readonly number[]): readonly number[] {
  const kept = found.length === 0 ? nothingFound : found
  if (node.memoOf !== undefined) {
    node.further = firstOf({ of: node.memoOf, found: node.memo, next: node.further }, remembered - 1)
  }
  node.memoOf = of
  node.memo = kept
  return kept
}

const firstOf = (memo: Memo | undefined, count: number): Memo | undefined =>
  memo === undefined || count === 0 ? undefined : { ...memo, next: firstOf(memo.next, count - 1) }
