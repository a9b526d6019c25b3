import type { FileNode } from './ast/nodes.ts'

/** What brings a file of the edition before to this one; the meaning of the file stays. */
type Upgrade = (file: FileNode) => FileNode

/**
 * THE TABLE of editions, oldest first (SPEC 6.12). An edition is a field of the set, not of the text: a new one may give a
 * spelling another meaning, and `writ fmt --edition` rewrites the files of the old one.
 */
const editions: readonly { readonly edition: number; readonly upgrade?: Upgrade }[] = [{ edition: 1 }]

export const newestEdition: number = Math.max(...editions.map(({ edition }) => edition))

/** Whether a set of that edition means here what its author meant; what does not know it refuses it. */
export const isKnownEdition = (edition: unknown): edition is number => editions.some((row) => row.edition === edition)

/** For messages. */
export const knownEditions = (): string => editions.map(({ edition }) => edition).join(', ')

export function upgradeTree(file: FileNode, from: number, to: number): FileNode {
  const steps = editions.filter(({ edition }) => edition > from && edition <= to)
  return steps.reduce((tree, { upgrade }) => (upgrade ? upgrade(tree) : tree), file)
}
