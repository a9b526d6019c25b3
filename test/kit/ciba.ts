import { askToken, postForm, type SignInAs } from './sign-in.ts'

export const cibaGrant = 'urn:openid:params:grant-type:ciba'

type As = Pick<SignInAs, 'issuer' | 'client' | 'user' | 'scopes'>

/** What a client does first (CIBA Core §7.1). */
export async function askForWord(
  as: As,
  more: { readonly [name: string]: string } = {},
): Promise<{ readonly auth_req_id: string; readonly expires_in: number; readonly interval: number }> {
  const fields = { scope: (as.scopes ?? ['openid']).join(' '), login_hint: as.user.identifier, ...more }
  const { status, body } = await postForm(`${as.issuer}/oauth2/ciba`, as.client, fields)
  if (status !== 200) throw new Error(`${status} ${body}`)
  return JSON.parse(body) as Awaited<ReturnType<typeof askForWord>>
}

/** What an administrator's service does, once it has asked the person. */
export async function openBackchannelAdmin(issuer: string, client: { readonly id: string; readonly secret: string }) {
  const { body } = await askToken(
    { issuer, client: { ...client, redirectUri: '' } },
    { grant_type: 'client_credentials', resource: `${issuer}/admin` },
  )
  const headers = { authorization: `Bearer ${body.access_token}` }
  const url = `${issuer}/admin/v1/authentication-requests`
  const list = async () => {
    const response = await fetch(url, { headers })
    const { items } = (await response.json()) as { items: { id: string; [member: string]: unknown }[] }
    return items
  }
  const settle = (id: string, verdict: 'approve' | 'deny') =>
    fetch(`${url}/${id}/${verdict}`, { method: 'POST', headers })
  return {
    list,
    settle,
    /** The newest one that waits. */
    async answer(verdict: 'approve' | 'deny'): Promise<number> {
      const newest = (await list()).at(-1)
      if (!newest) throw new Error('nobody waits')
      return (await settle(newest.id, verdict)).status
    },
  }
}
