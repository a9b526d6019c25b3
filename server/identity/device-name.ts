/** A browser as people speak of it; absent where its header says nothing that is known. */
export type DeviceName = { readonly browser?: string; readonly system?: string }

// ORDER: each later one also calls itself by an earlier one's name.
const browsers: readonly (readonly [string, RegExp])[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\b(?:OPR|Opera)\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Whale', /\bWhale\//],
  ['KakaoTalk', /\bKAKAOTALK\b/],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:HeadlessChrome|Chrome|CriOS)\//],
  ['Safari', /\bVersion\/\S+.*\bSafari\//],
]
const systems: readonly (readonly [string, RegExp])[] = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b|\bMacintosh\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
]

/** What a `User-Agent` header says, in two words: enough to recognise one's own browser in a list. */
export function deviceNameOf(agent: string): DeviceName {
  const named = (table: typeof browsers) => table.find(([, pattern]) => pattern.test(agent))?.[0]
  const [browser, system] = [named(browsers), named(systems)]
  return { ...(browser === undefined ? {} : { browser }), ...(system === undefined ? {} : { system }) }
}
