export type Tenant = {
  readonly id: string
  readonly name: string
  readonly status: 'active' | 'suspended'
  readonly registration: 'open' | 'invited' | 'closed'
  /** Public base URL, no trailing slash; from configuration or the tenant's row, never from a request. */
  readonly issuer: string
  /** Path under the server's own base URL that leads here: '' for the default tenant, `/t/<id>` for others. */
  readonly pathPrefix: string
  readonly epoch: number
}
