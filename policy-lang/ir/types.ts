// The types of FBAC values. Entity and enum names are wire names from here on.

export type Type =
  | { readonly kind: 'bool' | 'int' | 'decimal' | 'string' | 'time' | 'duration' | 'ip' }
  /** `name` is the declared name, if any; two enums are the same type if their values and order agree. */
  | { readonly kind: 'enum'; readonly values: readonly string[]; readonly ordered: boolean; readonly name?: string }
  /** One or several entity types, sorted. `Anonymous` is one. */
  | { readonly kind: 'entity'; readonly types: readonly string[] }
  | { readonly kind: 'record'; readonly fields: { readonly [name: string]: FieldType } }
  | { readonly kind: 'set'; readonly of: Type }
  | { readonly kind: 'map'; readonly of: Type }

export type FieldType = {
  readonly type: Type
  readonly optional: boolean
  readonly marks?: FieldMarks
  /** In a record: the name in the text, where `@wire` gave the member another one. */
  readonly spelled?: string
}

/** What an author said about a field beyond its type (SPEC: marks). */
export type FieldMarks = {
  readonly personal?: boolean
  readonly secret?: boolean
  /** A caller of the decision API may send it. */
  readonly suppliable?: boolean
  /** The name before a rename. */
  readonly was?: string
}
