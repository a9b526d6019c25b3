import { plain } from './layout.ts'
import { joined, markPrefix, relationLayout, typeLayout, type Written } from './layout-expression.ts'
import type { Unit } from './layout-item.ts'
import type { EntityItem, HolderNode, MemberNode } from './nodes.ts'

/** How many members of one form in a row have their values in one column. */
const smallestColumn = 3

/** The members of an entity; runs of relations of the same form have their values aligned. */
export function membersOf(item: EntityItem, written: Written): Unit[] {
  const widths = columnWidths(item.members)
  return item.members.map((member, index) => ({
    span: member.span,
    layout: memberLayout(member, widths[index] ?? 0, written),
    margin: 2,
    spaced: true,
    ...(member.doc === undefined ? {} : { doc: member.doc }),
  }))
}

function memberLayout(member: MemberNode, width: number, written: Written) {
  const marks = markPrefix(member.marks, written)
  if (member.kind === 'attribute') {
    return plain(`${marks}${member.name.text}${member.optional ? '?' : ''}: `, typeLayout(member.type, written))
  }
  const head = `${marks}${headOf(member)}`
  if (member.kind === 'computedRelation') return plain(`${head.padEnd(width)} = `, relationLayout(member.body))
  return plain(`${`${head}:`.padEnd(width + 1)} `, joined(member.holders.map(holderText), '|'))
}

const headOf = (member: Exclude<MemberNode, { kind: 'attribute' }>) =>
  `${member.kind === 'storedRelation' && member.role ? 'role' : 'relation'} ${member.name.text}`

/** The width of the longest head of each run, 0 where a run is too short or of another form. */
function columnWidths(members: readonly MemberNode[]): number[] {
  const widths: number[] = []
  for (let start = 0; start < members.length; ) {
    const form = formOf(members[start])
    let end = start + 1
    while (end < members.length && form !== '' && formOf(members[end]) === form) end += 1
    const run = members.slice(start, end)
    const heads = run.map((member) => (member.kind === 'attribute' ? 0 : headOf(member).length))
    const enough = form !== '' && run.length >= smallestColumn
    widths.push(...run.map(() => (enough ? Math.max(...heads) : 0)))
    start = end
  }
  return widths
}

/** Members with marks or a document are not aligned with others. */
function formOf(member: MemberNode | undefined): string {
  if (!member || member.kind === 'attribute' || member.marks.length > 0 || member.doc !== undefined) return ''
  return member.kind === 'computedRelation' ? '=' : member.role ? 'role' : 'relation'
}

function holderText(holder: HolderNode): string {
  const condition = holder.condition ? ` if ${holder.condition.text}` : ''
  if (holder.kind === 'anyoneHolder') return `anyone${condition}`
  if (holder.kind === 'anyHolder') return `any ${holder.type.text}${condition}`
  if (holder.kind === 'usersetHolder') return `${holder.type.text}.${holder.relation.text}${condition}`
  return `${holder.type.text}${condition}`
}
