import { type Html, html } from './html.ts'

/** One style sheet for all pages: no script, no font, no image to fetch. Works at 320 px, in light and dark (people.md §5). */
export const styleSheet: Html = html`
:root { color-scheme: light dark; --ink: #1a1d23; --dim: #545b68; --page: #f3f5f8; --card: #ffffff; --line: #7d8593;
  --accent: #1f4fd8; --on-accent: #ffffff; --bad: #a8071a; --bad-page: #fdecee; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceff4; --dim: #b3bac7; --page: #14171c; --card: #1e222a; --line: #8b93a3;
  --accent: #8fb0ff; --on-accent: #0b1530; --bad: #ffb3ba; --bad-page: #3a1a1f; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, "Apple SD Gothic Neo", "Noto Sans KR", sans-serif; }
main { width: 100%; max-width: 26rem; background: var(--card); border-radius: 0.75rem; padding: clamp(1.25rem, 6vw, 2.25rem);
  box-shadow: 0 1px 2px rgb(0 0 0 / 12%), 0 8px 28px rgb(0 0 0 / 8%); overflow-wrap: anywhere; }
h1 { margin: 0 0 0.5rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 1.5rem 0 0.5rem; font-size: 1.125rem; }
p { margin: 0 0 1rem; color: var(--dim); }
ul { margin: 0 0 1.25rem; padding-left: 1.25rem; }
li { margin: 0.25rem 0; }
label { display: block; margin: 1rem 0 0.25rem; font-weight: 600; }
input { width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: 0.5rem; }
.hint { margin: 0.25rem 0 0; font-size: 0.875rem; color: var(--dim); }
.actions { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 1.5rem; }
button { flex: 1 1 8rem; min-height: 2.75rem; padding: 0.5rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: 0.5rem; }
button.quiet { color: var(--ink); background: transparent; border-color: var(--line); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.problem { margin: 1rem 0; padding: 0.75rem 1rem; color: var(--bad); background: var(--bad-page); border-left: 4px solid var(--bad);
  border-radius: 0.25rem; }
.problem p { margin: 0; color: inherit; }
dl { margin: 1.5rem 0 0; display: grid; grid-template-columns: auto 1fr; gap: 0.25rem 0.75rem; font-size: 0.875rem; color: var(--dim); }
dd { margin: 0; }
a { color: var(--accent); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; margin: 0 0 1rem; padding: 0; list-style: none; }
nav a { display: inline-block; min-width: 1.5rem; padding: 0.375rem 0; }
nav a[aria-current] { color: var(--ink); font-weight: 600; text-decoration: none; border-bottom: 2px solid var(--accent); }
.items { padding: 0; list-style: none; }
.items > li { margin: 0; padding: 0.875rem 0; border-top: 1px solid var(--line); }
.items p { margin: 0 0 0.25rem; }
.items h3 { margin: 0 0 0.25rem; font-size: 1rem; }
.items h4 { margin: 0.75rem 0 0.25rem; font-size: 0.9375rem; }
.items .actions { margin-top: 0.5rem; }
.part { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.25rem 0.75rem; }
.part > span { flex: 1 1 9rem; }
.part button { flex: none; min-height: 2.25rem; padding: 0.25rem 0.75rem; font-weight: 400; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.wide { max-width: 40rem; }
@media (prefers-contrast: more) { :root { --dim: var(--ink); --line: var(--ink); } }
`
