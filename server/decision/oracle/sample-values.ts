import { formatIp, type Json, type Program, type Type, type Value, walkExpr } from '../../../policy-lang/index.ts'

/** What a sample draws from: the same draws for the same rules. */
export type Draw = {
  /** 0 and on, below `count`. */
  below(count: number): number
  chance(part: number): boolean
  pick<Item>(items: readonly Item[]): Item | undefined
}

/** mulberry32: small, even enough, and repeatable. */
export function createDraw(seed: number): Draw {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (count: number): number => Math.floor(next() * count)
  return { below, chance: (part) => next() < part, pick: (items) => items[below(items.length)] }
}

/** Constants of the rules: a value near one of them is where a rule turns. */
export type Constants = {
  readonly texts: readonly string[]
  readonly numbers: readonly (number | bigint)[]
  readonly addresses: readonly string[]
  /** Ids by entity type. */
  readonly ids: ReadonlyMap<string, readonly string[]>
}

export function constantsOf(program: Program): Constants {
  const texts = new Set<string>()
  const numbers = new Set<number | bigint>()
  const addresses = new Set<string>()
  const ids = new Map<string, Set<string>>()
  const take = (value: Value): void => {
    if (typeof value === 'string') texts.add(value)
    else if (typeof value === 'number' || typeof value === 'bigint') numbers.add(value)
    else if (typeof value !== 'object') return
    else if (value.kind === 'ip') addresses.add(formatIp(value))
    else if (value.kind === 'entity') ids.set(value.type, (ids.get(value.type) ?? new Set()).add(value.id))
    else if (value.kind === 'set') value.items.forEach(take)
    else if (value.kind === 'map') for (const [key, item] of value.entries) [key, item].forEach(take)
    else if (value.kind === 'record') for (const item of value.fields.values()) take(item)
  }
  const conditions = [
    ...program.rules.filter(({ disabled }) => !disabled).map(({ condition }) => condition),
    ...[...program.tupleConditions.values()].map(({ body }) => body),
  ]
  for (const condition of conditions) {
    walkExpr(condition, (expr) => {
      if (expr.kind === 'literal') take(expr.value)
    })
  }
  // What PostgreSQL cannot hold is no row's value.
  const isHoldable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()
  return {
    texts: [...texts].filter(isHoldable),
    numbers: [...numbers],
    addresses: [...addresses],
    ids: new Map([...ids].map(([type, each]) => [type, [...each].filter(isHoldable)])),
  }
}

export type Sampling = {
  readonly draw: Draw
  readonly constants: Constants
  readonly now: number
  /** Ids that exist, and some that do not. */
  readonly idsOf: (type: string) => readonly string[]
}

/** A value of the type in the JSON form that rows and documents have; undefined: none can be made. */
export function sampleJson(type: Type, at: Sampling): Json | undefined {
  const { draw, constants } = at
  switch (type.kind) {
    case 'bool':
      return draw.chance(0.5)
    case 'int':
      return sampleNumber(at)
    case 'decimal':
      return (Number(sampleNumber(at)) / 10_000).toFixed(4)
    case 'duration':
      return `${Math.abs(Number(sampleNumber(at)))}ms`
    case 'time':
      return sampleTime(at)
    case 'ip':
      return draw.pick([...constants.addresses, '192.0.2.7', '2001:db8::1', '10.0.0.0/8'])
    case 'string': {
      const text = draw.pick([...constants.texts, 'a', 'A', '', 'b%_', 'ü'])
      return text !== undefined && draw.chance(0.15) ? `${text}x` : text
    }
    case 'enum':
      return draw.pick(type.values)
    case 'entity': {
      const named = draw.pick(type.types.filter((each) => each !== 'Anonymous'))
      const id = named === undefined ? undefined : draw.pick(at.idsOf(named))
      return named === undefined || id === undefined ? undefined : { type: named, id }
    }
    case 'set':
      return Array.from({ length: draw.below(4) }, () => sampleJson(type.of, at)).filter((item) => item !== undefined)
    case 'map': {
      const keys = [...constants.texts, 'a'].filter(() => draw.chance(0.5)).slice(0, 4)
      return membersOf(keys.map((key) => [key, sampleJson(type.of, at)]))
    }
    case 'record':
      return membersOf(
        Object.entries(type.fields).map(([name, field]) => [
          name,
          draw.chance(0.1) ? undefined : sampleJson(field.type, at),
        ]),
      )
  }
}

const membersOf = (members: readonly (readonly [string, Json | undefined])[]): Json =>
  Object.fromEntries(members.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

function sampleNumber({ draw, constants }: Sampling): number {
  const near = Number(draw.pick([...constants.numbers, 0, 1, 100]) ?? 0)
  const number = near + draw.below(3) - 1
  return Number.isSafeInteger(number) ? number : 0
}

function sampleTime({ draw, constants, now }: Sampling): string {
  const times = constants.numbers.map(Number).filter((each) => Math.abs(each) < 4_000_000_000_000)
  const near = draw.pick([...times, now, now - 86_400_000, now + 86_400_000]) ?? now
  return new Date(near + draw.below(3) - 1).toISOString()
}
