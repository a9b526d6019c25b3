import type { Value } from '../ir/nodes.ts'

/** Equality of two values of one type (SPEC 4): entities by (type, id), sets without order, records and maps by member. */
export function equalValues(left: Value, right: Value): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left.kind !== right.kind) return false
  return keyOfValue(left) === keyOfValue(right)
}

/** A text that two values share exactly when they are equal. */
export function keyOfValue(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object') return String(value)
  switch (value.kind) {
    case 'entity':
      return `${JSON.stringify(value.type)}::${JSON.stringify(value.id)}`
    case 'ip':
      return `ip${value.version}:${value.bits}/${value.prefix}`
    case 'set':
      return `[${[...new Set(value.items.map(keyOfValue))].sort().join(',')}]`
    case 'map':
      return `m{${memberKeys(value.entries)}}`
    case 'record':
      return `{${memberKeys(value.fields)}}`
  }
}

/** Drops equal members and keeps the first of each (SPEC 4: sets drop equal members). */
export function distinctValues(items: readonly Value[]): readonly Value[] {
  if (items.length < 2) return items
  const byKey = new Map<string, Value>()
  for (const item of items) {
    const key = keyOfValue(item)
    if (!byKey.has(key)) byKey.set(key, item)
  }
  return byKey.size === items.length ? items : [...byKey.values()]
}

const memberKeys = (members: ReadonlyMap<string, Value>): string =>
  [...members]
    .map(([name, member]) => `${JSON.stringify(name)}:${keyOfValue(member)}`)
    .sort()
    .join(',')
