# SPDX-License-Identifier: GPL-3.0-or-later
"""The style of a batch's report: light and dark, from a phone to a wide screen, and on paper."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root {
  --page: #f3f4f6; --card: #ffffff; --tile: #e7e9ed; --line: #d9dce1; --text: #1b1e23; --soft: #5c6470;
  --link: #1759b8; --focus: #1759b8; --pressed: #1b1e23; --on-pressed: #ffffff;
  --done: #1d7a43; --failed: #b3261e; --running: #1759b8; --waiting: #80600a; --cancelled: #5c6470;
  --failed-back: #fcecea; --warning: #80600a; --notice: #e8f0fc;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #16181b; --card: #212429; --tile: #3b4048; --line: #3a3f47; --text: #e9ebee; --soft: #b1b8c2;
    --link: #8ab8ff; --focus: #8ab8ff; --pressed: #e9ebee; --on-pressed: #16181b;
    --done: #6fce93; --failed: #ff9089; --running: #8ab8ff; --waiting: #e3bd5b; --cancelled: #b1b8c2;
    --failed-back: #3a2323; --warning: #e3bd5b; --notice: #1f2c40;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 1720px; padding: 24px clamp(12px, 2.5vw, 40px) 40px; background: var(--page);
  color: var(--text);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
h1, h2, p, dl, dd, ul, ol, figure { margin: 0; padding: 0; }
ul, ol { list-style: none; }
a { color: var(--link); text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
.top h1 { font-size: 26px; line-height: 1.2; font-weight: 650; letter-spacing: -0.01em; overflow-wrap: anywhere; }
.meta { margin-top: 4px; color: var(--soft); font-variant-numeric: tabular-nums; }
.meta > span { white-space: nowrap; }
.bar { display: block; width: 100%; height: 8px; margin-top: 16px; border-radius: 4px; background: var(--line); }
.bar .done { fill: var(--done); } .bar .failed { fill: var(--failed); } .bar .running { fill: var(--running); }
.bar .cancelled { fill: var(--cancelled); } .bar .waiting { fill: transparent; }
.notice {
  display: flex; flex-wrap: wrap; gap: 4px 24px; justify-content: space-between; margin-top: 16px; padding: 10px 14px;
  border-radius: 8px; background: var(--notice);
}
.notice label { display: inline-flex; gap: 8px; align-items: center; cursor: pointer; }
.controls {
  position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 10px 24px; justify-content: space-between;
  margin: 8px -8px 0; padding: 10px 8px; background: var(--page);
}
.kinds, .tools { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.tools { gap: 6px 12px; }
button, select, input[type=search] {
  height: 34px; padding: 0 12px; border: 1px solid var(--line); border-radius: 7px; background: var(--card);
  color: var(--text); font: inherit;
}
button, select { cursor: pointer; }
button { display: inline-flex; gap: 7px; align-items: center; }
button b { font-weight: 600; font-variant-numeric: tabular-nums; }
button:hover, select:hover, input[type=search]:hover { border-color: var(--soft); }
button[aria-pressed=true] { background: var(--pressed); border-color: var(--pressed); color: var(--on-pressed); }
.field { display: inline-flex; gap: 8px; align-items: center; color: var(--soft); }
.field input { width: 220px; }
i { display: inline-block; width: 8px; height: 8px; border-radius: 50%; background: currentColor; flex: none; }
.kinds .done i, .done .state { color: var(--done); } .kinds .failed i, .failed .state { color: var(--failed); }
.kinds .running i, .running .state { color: var(--running); }
.kinds .waiting i, .waiting .state { color: var(--waiting); }
.kinds .cancelled i, .cancelled .state { color: var(--cancelled); }
.shown { margin: 6px 0 10px; color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 16px; }
.card {
  display: flex; flex-direction: column; gap: 10px; padding: 14px; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card);
}
.head { display: flex; gap: 8px; align-items: baseline; }
.head h2 {
  flex: 1; min-width: 0; font-size: 15px; font-weight: 600; line-height: 1.35;
  overflow: hidden; overflow-wrap: anywhere;
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
}
.number { color: var(--soft); font-variant-numeric: tabular-nums; }
.state { display: inline-flex; gap: 6px; align-items: center; font-weight: 600; white-space: nowrap; }
.waiting .state i { background: none; border: 2px solid currentColor; }
.failed .state i { border-radius: 1px; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; }
figure { position: relative; min-width: 0; }
figure > a { display: block; }
figure img, .empty {
  display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: contain; border-radius: 6px;
  background: var(--tile);
}
.empty { display: grid; place-items: center; color: var(--soft); }
figcaption { margin-top: 3px; color: var(--soft); font-size: 12px; }
.reason { padding: 8px 10px; border-radius: 6px; background: var(--tile); overflow-wrap: anywhere; }
.reason strong { font-weight: 600; } .reason span { color: var(--soft); }
.failed .reason { background: var(--failed-back); } .failed .reason strong { color: var(--failed); }
.notes { color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
.notes .warning { color: var(--warning); }
.notes .warning::before { content: "Warning: "; font-weight: 600; }
.card dl { display: flex; flex-wrap: wrap; gap: 2px 18px; font-variant-numeric: tabular-nums; }
.card dl > div { display: flex; gap: 6px; min-width: 0; }
dt { color: var(--soft); white-space: nowrap; }
dd { min-width: 0; overflow-wrap: anywhere; }
dd .warning { color: var(--warning); font-weight: 600; }
.links {
  display: flex; flex-wrap: wrap; gap: 2px 16px; margin-top: auto; padding-top: 10px;
  border-top: 1px solid var(--line);
}
.links small { color: var(--soft); font-size: 13px; }
.settings { margin-top: 28px; } .settings summary { cursor: pointer; font-weight: 600; }
.settings dl {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 6px 32px; margin-top: 12px;
}
.settings dl > div { display: flex; gap: 12px; justify-content: space-between; border-bottom: 1px solid var(--line); }
footer { margin-top: 28px; color: var(--soft); }
@media (max-width: 640px) {
  body { padding-top: 16px; } .top h1 { font-size: 22px; } .controls { position: static; }
  .tools, .search { width: 100%; } .field input { flex: 1; min-width: 0; width: auto; }
  button, select, input[type=search] { height: 40px; }
}
@media (prefers-reduced-motion: no-preference) { button, select, input { transition: border-color 0.12s; } }
@page { margin: 12mm; }
@media print {
  body { max-width: none; padding: 0; background: none; font-size: 9.5px; }
  .controls, .settings:not([open]), .notice label, .notice span, footer span { display: none !important; }
  .top h1 { font-size: 18px; } .notice { padding: 0; }
  .cards { grid-template-columns: repeat(3, 1fr); gap: 8px; }
  .card { break-inside: avoid; padding: 8px; gap: 6px; }
  .head h2 { font-size: 11px; } figcaption, .notes, .links small { font-size: 9px; }
  a { color: inherit; text-decoration: none; }
  .bar, .bar *, i, figure img, .empty, .reason { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""
"""CSS. Colors of text have a contrast of at least 4.5 on what is behind them."""
