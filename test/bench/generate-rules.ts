const header = `module notes

import User, Group, Organization from "writ:identity"

entity Note in Organization {
  owner: User
  hold: Bool
  size: Int
  title: String
  status: "draft" | "published" | "archived"
  tags: Set<String>
  expires?: Time
  relation reader: User | Group
  relation writer: User | Group
}

action read, edit, share, remove on Note by User with { reason?: String }
`

const actions = ['read', 'edit', 'share', 'remove'] as const
const patterns = ['anyone', 'User', 'owner of n', 'reader of n or owner of n', 'writer of n'] as const
/** `i` makes the constants of rule i its own. */
const conditions: readonly ((i: number) => string)[] = [
  (i) => `n.size > ${i + 1} and n.title != "t${i}"`,
  (i) => `n.size > ${i + 1} and not n.hold`,
  (i) => `n.status == "draft" and n.size < ${i}`,
  (i) => `n.title.startsWith("p${i}") or "t${i}" in n.tags`,
  (i) => `has n.expires and n.expires > context.now and n.size == ${i}`,
  (i) => `any(t in n.tags: t == "v${i}")`,
  (i) => `(context.reason ?? "r${i}") == "r${i}"`,
  (i) => `if n.hold then n.size > ${i} else n.title == "q${i}"`,
]

/** A set of rules whose 80 shapes (5 patterns × 8 conditions × allow, deny) take turns; at most 45 tokens each. */
export function generateRules(count: number): string {
  const rules = Array.from({ length: count }, (_, i) => {
    const pattern = patterns[i % 5] ?? ''
    const condition = conditions[Math.floor(i / 5) % 8]?.(i) ?? ''
    const effect = Math.floor(i / 40) % 2 === 0 ? 'allow' : 'deny'
    return `\n@id("rule-${i}")\n${effect} ${actions[i % 4]} on n: Note to ${pattern}\n  when ${condition} \n`
  })
  return header + rules.join('')
}
