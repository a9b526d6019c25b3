/** What one request may cost before anything looks at its meaning. */
export const limits = {
  /** Bytes of a JSON body where the route says nothing else. */
  jsonBytes: 1024 * 1024,
  formBytes: 64 * 1024,
  formFields: 100,
  /** Levels of arrays and objects in a JSON body. */
  jsonDepth: 64,
  urlLength: 8 * 1024,
  headerBytes: 16 * 1024,
  headerCount: 100,
  headersTimeoutMilliseconds: 10_000,
  requestTimeoutMilliseconds: 120_000,
  keepAliveMilliseconds: 65_000,
  requestIdLength: 200,
  bearerTokenLength: 8 * 1024,
  /** How long a verified token is trusted before its epochs are read again (security.md 16). */
  verifiedTokenMilliseconds: 1_000,
  verifiedTokens: 10_000,
  /** Addresses and subjects whose buckets are remembered; the least recently seen go first. */
  buckets: 50_000,
  databaseRetryAfterSeconds: 1,
  /** How long /health/ready waits for the database. */
  readinessMilliseconds: 2_000,
  drainMilliseconds: 10_000,
  /** How long a finished answer may wait for others to leave with. */
  gatherMilliseconds: 1,
} as const

/** Token buckets. A path counts against every row that matches; local to the node. */
export const rateLimits: readonly RateLimit[] = [
  // Guessing is bounded per account and address by attempt budgets (server/identity); these rows bound work.
  {
    name: 'sign-in',
    per: 'address',
    methods: ['POST'],
    paths: ['/signin/', '/setup/', '/device', '/oauth2/device_authorization'],
    burst: 300,
    perSecond: 150,
  },
  // Each makes a row, and may have an address of the caller's choosing read.
  {
    name: 'registration',
    per: 'address',
    methods: ['POST', 'PUT'],
    paths: ['/oauth2/register'],
    burst: 300,
    perSecond: 1,
  },
  { name: 'address', per: 'address', paths: ['/'], burst: 100_000, perSecond: 50_000 },
  { name: 'subject', per: 'subject', paths: ['/'], burst: 100_000, perSecond: 50_000 },
]

export type RateLimit = {
  readonly name: string
  readonly per: 'address' | 'subject'
  readonly methods?: readonly string[]
  /** Prefixes of the path without the tenant's. */
  readonly paths: readonly string[]
  readonly burst: number
  readonly perSecond: number
}
