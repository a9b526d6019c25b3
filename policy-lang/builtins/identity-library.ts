/** The path that `import … from` names. */
export const identityPath = 'writ:identity'

/**
 * `writ:identity`: the types of people, clients and tenants that every set may use and extend. No actions: those live in the
 * platform's own sets, so that each module checks alone (SPEC 3, standard context).
 */
export const identityLibrary = `/// People, clients, tenants: the types of the standard context.
module identity

/// Strength of an authentication: password, two factors, phishing-resistant, phishing-resistant in hardware.
type Acr = "pwd" < "mfa" < "phr" < "phrh"

entity Tenant {
  status: "active" | "suspended"
  registration: "open" | "invited" | "closed"
}

entity Organization in Organization {
  status: "active" | "suspended"
  domains: Set<String>
  relation owner: User
  relation admin: User | Group
  relation member: User | Group
}

entity Group in Organization {
  relation member: User | Group
}

entity User {
  status: "active" | "disabled" | "deleted"
  emailVerified: Bool
  phoneVerified: Bool
  createdAt: Time
  passwordChangedAt?: Time
}

entity Client {
}

entity Session in User {
  acr: Acr
  amr: Set<String>
  authenticatedAt: Time
  ip: Ip
  device: String
}

entity IdentityProvider in Organization {
  kind: String
  enabled: Bool
  domains: Set<String>
}

entity ClaimSchema {
  key: String
  scope: String
}

advice stepUp(acr: Acr, maxAge?: Duration)

advice reauthenticate(maxAge: Duration)

advice requestAccess(relation: String)

advice requestApproval(of: String)

advice consent(purpose: String)

advice captcha()
`
