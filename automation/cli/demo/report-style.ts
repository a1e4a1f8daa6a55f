/** The report's style: light and dark, printable, readable on a phone. */
export const reportStyle = `
:root{color-scheme:light dark;--text:#1b1f24;--soft:#59636e;--line:#d8dee4;--back:#fff;--a:#0a5fb4;--b:#b35900;--c:#3d7a1f;--alarm:#b3261e;--good:#1a6b34}
@media(prefers-color-scheme:dark){:root{--text:#e6e9ed;--soft:#9aa4af;--line:#333a42;--back:#14181d;--a:#6cb2ff;--b:#ffb067;--c:#8fd06a;--alarm:#ff8a80;--good:#7fd99a}}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{max-width:1040px;margin:0 auto;padding:24px 16px 64px}h1{font-size:1.7rem;line-height:1.25;margin:.2em 0 1em}h1.good{color:var(--good)}h1.bad{color:var(--alarm)}
h2{font-size:1.15rem;margin:2.2em 0 .4em}.kicker,.note,.unit{color:var(--soft)}.note{margin:.2em 0 1em}
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:16px;margin:0}.numbers div{border-top:2px solid var(--line);padding-top:8px;display:flex;flex-direction:column-reverse;justify-content:flex-end}
.numbers dt{color:var(--soft);font-size:.85rem}.numbers dd{margin:0;font-size:1.5rem;font-variant-numeric:tabular-nums}
figure{margin:0 0 20px}figcaption ul{display:inline;list-style:none;margin:0;padding:0}figcaption li{display:inline-block;margin-left:14px;font-size:.85rem}
figure svg[role]{width:100%;height:auto;display:block}.key{width:24px;height:8px;margin-right:5px;vertical-align:middle}
svg text{fill:var(--soft);font-size:11px}.grid{stroke:var(--line)}.mark{stroke:var(--soft);stroke-width:1;opacity:.35}
.line{fill:none;stroke-width:1.8}.dashed{stroke-dasharray:5 4}.side-a{stroke:var(--a)}.side-b{stroke:var(--b)}.side-c{stroke:var(--c)}.alarm{stroke:var(--alarm)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.85rem}th,td{text-align:left;padding:5px 12px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}.figures td:nth-child(n+3),.figures th:nth-child(n+3){text-align:right;font-variant-numeric:tabular-nums}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px}.facts dt{color:var(--soft)}.facts dd{margin:0}
:focus-visible{outline:2px solid var(--a);outline-offset:2px}
@media(max-width:600px){.facts{grid-template-columns:1fr}.facts dd{margin-bottom:8px}}
@media print{main{max-width:none}figure,tr{break-inside:avoid}.scroll{overflow:visible}}
`;
