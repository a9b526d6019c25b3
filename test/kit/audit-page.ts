import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'

const inside = readFileSync(new URL('./inspect-page.js', import.meta.url), 'utf8').trim()

type Focus = { readonly at: number; readonly isShown: boolean; readonly text: string }

/**
 * What WCAG 2.2 AA asks of a page and a program can see: language and title (3.1.1, 2.4.2), headings in order (1.3.1), names of
 * controls and their label within (4.1.2, 2.5.3), contrast of text and of controls (1.4.3, 1.4.11), size of targets (2.5.8), no
 * scrolling to the side (1.4.10), unique ids. Answers what is wrong; empty where nothing is.
 */
export async function auditPage(page: Page): Promise<readonly string[]> {
  const wrong = (await page.evaluate(`${inside}.inspectPage()`)) as readonly string[]
  return [...wrong, ...(await unseenFocus(page))]
}

/** Every control is reached by the keyboard, in the order of the page, and shows that it is (2.1.1, 2.4.3, 2.4.7). */
async function unseenFocus(page: Page): Promise<string[]> {
  const wrong: string[] = []
  const count = await page.locator('a, button, input:not([type=hidden])').count()
  await page.evaluate('document.activeElement?.blur()')
  let before = -1
  for (let at = 0; at < count; at += 1) {
    await page.keyboard.press('Tab')
    const focus = (await page.evaluate(`${inside}.inspectFocus()`)) as Focus
    // An autofocused field is where the order begins.
    if (focus.at === -1) continue
    if (at > 0 && focus.at < before) wrong.push(`focus goes back: ${focus.text}`)
    if (!focus.isShown) wrong.push(`focus is not seen: ${focus.text}`)
    before = focus.at
  }
  return wrong
}
