import type { KoaContextWithOIDC } from 'oidc-provider'

/** What tokens are being made from: its evidence (acr, amr, time of the sign-in) stands behind them. */
export function grantSourceOf({ oidc: { entities } }: KoaContextWithOIDC) {
  return (
    entities.AuthorizationCode ??
    entities.RefreshToken ??
    entities.DeviceCode ??
    entities.BackchannelAuthenticationRequest
  )
}
