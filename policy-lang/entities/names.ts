/** Numbers for names: given when first needed, never taken back. */
export type Names = {
  /** Undefined where nobody has needed it. */
  known(name: string): number | undefined
  number(name: string): number
  nameOf(number: number): string
}

export function createNames(): Names {
  const numbers = new Map<string, number>()
  const names: string[] = []
  return {
    known: (name) => numbers.get(name),
    number(name) {
      const known = numbers.get(name)
      if (known !== undefined) return known
      numbers.set(name, names.length)
      return names.push(name) - 1
    },
    nameOf: (number) => names[number] ?? '',
  }
}
