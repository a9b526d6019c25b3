/** What nodemailer says of a failure; empty and 0 where it says nothing. */
export function errorText(error: unknown): { readonly code: string; readonly responseCode: number } {
  if (typeof error !== 'object' || error === null) return { code: '', responseCode: 0 }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const responseCode = 'responseCode' in error && typeof error.responseCode === 'number' ? error.responseCode : 0
  return { code, responseCode }
}
