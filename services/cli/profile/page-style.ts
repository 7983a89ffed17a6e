// How the flame graph page looks: light and dark as the reader's system says.
export const pageStyle = `
:root { --ground: #fbfaf8; --ink: #1d1b19; --quiet: #6a645c; --line: #d9d4cb; --match: #7a2bd0; --focus: #0b57d0;
  --all: #dcd7ce; --process: #cfc8bc; --native: #f5b971; --compiled: #8fcf9f; --kernel: #8fb8e8; --unknown: #d8b8c4; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16181b; --ink: #eceae6; --quiet: #a09a90; --line: #33373c; --match: #c79bff; --focus: #8ab4ff;
    --all: #34383d; --process: #41464c; --native: #8a5314; --compiled: #24643a; --kernel: #274f80; --unknown: #693f50; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; }
header { position: sticky; top: 0; z-index: 2; padding: 12px 16px 8px; background: var(--ground); border-bottom: 1px solid var(--line); }
h1 { margin: 0; font-size: 18px; overflow-wrap: anywhere; }
p { margin: 2px 0; }
.note, .legend, footer { color: var(--quiet); }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; margin-top: 6px; }
input, button { font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 6px; padding: 3px 8px; }
input { width: 22em; max-width: 100%; }
button { cursor: pointer; }
.legend i { display: inline-block; width: 11px; height: 11px; margin: 0 4px 0 8px; border-radius: 2px; }
main { position: relative; margin: 8px 16px 56px; }
.frame { position: absolute; height: 19px; padding: 0 4px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis;
  font: 12px/19px ui-monospace, monospace; border-radius: 2px; cursor: pointer; box-shadow: inset -1px 0 var(--ground); }
.frame.narrow { padding: 0; }
.all { background: var(--all); } .process { background: var(--process); } .native { background: var(--native); }
.compiled { background: var(--compiled); } .kernel { background: var(--kernel); } .unknown { background: var(--unknown); }
.above { opacity: 0.55; }
.matched { outline: 2px solid var(--match); outline-offset: -2px; font-weight: 700; }
.searching .frame:not(.matched) { opacity: 0.45; }
.frame:hover { filter: brightness(1.08); }
.frame:focus-visible, input:focus-visible, button:focus-visible { outline: 2px solid var(--focus); outline-offset: 0; z-index: 1; opacity: 1; }
footer { position: fixed; bottom: 0; left: 0; right: 0; padding: 8px 16px; background: var(--ground); border-top: 1px solid var(--line);
  overflow-wrap: anywhere; max-height: 40vh; overflow: auto; }
`;
