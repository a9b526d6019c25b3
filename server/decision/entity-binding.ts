/**
 * Where entities of one FBAC type live. Facts (and later SQL filters) read module and server tables only through bindings.
 * Every name here is a constant of the program, never input: it is placed in SQL text.
 */
export type EntityBinding = {
  /** Wire name of the entity type. */
  readonly type: string
  readonly table: string
  readonly idColumn: string
  /** Column of the tenant; `id` for the tenant table itself. Default `tenant_id`. */
  readonly tenantColumn?: string
  /**
   * A row may be trusted for a second after it was read; whoever changes rows raises an epoch or says `unit.changed` (kinds
   * `entity`, `client`, `tenant`), which ends that at once. Absent: read for every decision that needs it.
   */
  readonly remembered?: boolean
  /** Attributes and links. One that the type declares and that is missing here is absent in every decision. */
  readonly attributes: { readonly [name: string]: AttributeSource }
}

/**
 * The column's value is read by the attribute's declared type: timestamptz → Time, inet or text → Ip, jsonb array → Set,
 * jsonb object → record, text → String, enum, or the id of an entity. A value that does not fit counts as missing.
 */
export type AttributeSource =
  | string
  | {
      readonly column: string
      /** Members to follow in a jsonb column. */
      readonly path?: readonly string[]
      /** For links and entity attributes of several types: where the type stands; else the only declared type. */
      readonly typeColumn?: string
    }
  /** A constant SQL expression over the row, alias `t`. */
  | { readonly sql: string }
