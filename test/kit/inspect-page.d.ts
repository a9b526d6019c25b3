export function inspectPage(): readonly string[]
export function inspectFocus(): { readonly at: number; readonly isShown: boolean; readonly text: string }
