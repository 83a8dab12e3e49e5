"""The style sheet of the HTML report: colours by the reader's device, a phone's width, and paper.

Promise: severity is told by a sign and a word, never by colour alone; text keeps a contrast of at least 4.5 to 1.
"""

STYLE = """
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d5dae1; --mono: #f0f2f5;
  --error: #b3261e; --warning: #8a5300; --unknown: #6639a6; --info: #0b5cad; --ok: #1a6b33; }
@media (prefers-color-scheme: dark) { :root {
  --page: #12151a; --card: #1b2027; --ink: #e7ebf0; --soft: #a3adb9; --line: #333b46; --mono: #12161c;
  --error: #ff8a80; --warning: #f0b45a; --unknown: #c8a6ff; --info: #82bdff; --ok: #7bd494; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }
header, main, footer { max-width: 60rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.35rem; margin: 0; }
h3 { font-size: 1.05rem; margin: 0 0 .4rem; display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
h3.plain { margin: 1.4rem 0 .3rem; color: var(--soft); font-size: .95rem; }
p { margin: 0 0 .6rem; }
a { color: var(--info); }
.when, .id, small, footer { color: var(--soft); font-size: .875rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; list-style: none; margin: 0 0 1rem; padding: 0; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .5rem .9rem; }
.tiles b { font-size: 1.3rem; margin-right: .2rem; color: var(--tone); }
.error { --tone: var(--error); } .warning { --tone: var(--warning); } .unknown { --tone: var(--unknown); }
.info { --tone: var(--info); } .ok { --tone: var(--ok); }
.pill { color: var(--tone); border: 1px solid var(--tone); border-radius: 1rem; padding: 0 .6rem; font-size: .8rem;
  font-weight: 600; white-space: nowrap; }
.contents { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line);
  margin: 0 0 2rem; }
.contents th, .contents td { text-align: left; vertical-align: top; padding: .45rem .8rem;
  border-bottom: 1px solid var(--line); }
.domain { margin: 0 0 2.5rem; }
.verdict { margin: .3rem 0 1rem; }
article { background: var(--card); border: 1px solid var(--line); border-left: .35rem solid var(--tone);
  border-radius: .5rem; padding: 1rem; margin: 0 0 1rem; }
.message { font-weight: 500; }
.why { color: var(--soft); }
.id { margin: .6rem 0 0; }
dl { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: .35rem .8rem; margin: .8rem 0 0; }
dt { color: var(--soft); font-size: .875rem; padding-top: .1rem; }
dd { margin: 0; min-width: 0; }
code, samp, pre { font: .85rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
samp, pre { background: var(--mono); border-radius: .3rem; padding: .1rem .35rem; }
pre { margin: 0; padding: .5rem .7rem; white-space: pre-wrap; }
ul.plain { list-style: none; margin: 0; padding: 0; }
ul.plain li { padding: .15rem 0 .15rem 1.6rem; text-indent: -1.4rem; }
ul.plain li > span { color: var(--tone); font-weight: 700; display: inline-block; width: 1.4rem; text-indent: 0; }
footer { border-top: 1px solid var(--line); padding-top: 1rem; padding-bottom: 2rem; }
@media (max-width: 34rem) { dl { grid-template-columns: minmax(0, 1fr); gap: .1rem; } dd { margin-bottom: .5rem; }
  .contents th, .contents td { padding: .4rem .5rem; }
  .contents th:last-child, .contents td:last-child { display: none; } }
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --mono: #f3f3f3;
    --error: #b3261e; --warning: #8a5300; --unknown: #6639a6; --info: #0b5cad; --ok: #1a6b33; }
  body { font-size: 10.5pt; } article, .contents tr, ul.plain li { break-inside: avoid; }
  h2, h3 { break-after: avoid; } header { padding-top: 0; } a { color: inherit; text-decoration: none; }
}
"""
