"""HTML: a report as one self-contained page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from analysis.document.blocks import (
    Block,
    Code,
    Details,
    Drawing,
    Facts,
    Figure,
    File,
    Heading,
    Part,
    Table,
    Text,
)

LARGEST_SVG = 1_000_000
"""A larger SVG goes into the page as PNG; both files are written beside it."""

LONGEST_TABLE = 40
"""Lines of a table up to which all of them are in sight; a longer one scrolls in a window of its own, under its header."""

_CSS = """
:root { --ink:#1f2933; --muted:#6b7785; --line:#e3e8ee; --soft:#f6f8fa; --accent:#0072b2; }
* { box-sizing:border-box; }
body { margin:0; color:var(--ink); background:#fff;
  font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif; }
main { max-width:1120px; margin:0 auto; padding:32px 28px 64px; }
h1 { font-size:28px; margin:0 0 4px; letter-spacing:-.01em; }
h2 { font-size:20px; margin:44px 0 8px; padding-top:14px; border-top:1px solid var(--line); }
h3 { font-size:15px; margin:22px 0 6px; }
p { margin:8px 0; max-width:86ch; }
.question { color:var(--muted); font-size:17px; margin:0 0 18px; }
.chips { display:flex; flex-wrap:wrap; gap:10px; margin:14px 0 18px; padding:0; list-style:none; }
.chips li { background:var(--soft); border:1px solid var(--line); border-radius:8px; padding:7px 13px; }
.chips b { display:block; font-size:18px; line-height:1.25; } .chips span { color:var(--muted); font-size:12.5px; }
.finding { border-left:4px solid var(--accent); background:var(--soft); padding:10px 16px; margin:8px 0; }
.note { border-left:4px solid #e69f00; background:#fff9ec; padding:8px 16px; margin:8px 0; }
nav { padding:14px 28px 0; font-size:13.5px; } nav a { margin-right:14px; white-space:nowrap; }
h2 .anchor { color:var(--line); margin-left:8px; } h2:hover .anchor { color:var(--accent); }
a { color:var(--accent); text-decoration:none; } a:hover { text-decoration:underline; }
.scroll { overflow-x:auto; margin:8px 0 4px; } .scroll + * { margin-top:14px; }
.long { max-height:34em; overflow-y:auto; border-bottom:1px solid var(--line); overscroll-behavior:auto; }
.long thead th { position:sticky; top:0; background:#fff; box-shadow:inset 0 -2px 0 var(--line); }
.count { color:var(--muted); font-size:12.5px; margin:0 0 14px; }
p,li,figcaption,summary,.prose td { overflow-wrap:anywhere; }
table { border-collapse:collapse; font-size:13px; font-variant-numeric:tabular-nums; }
th,td { padding:5px 11px; border-bottom:1px solid var(--line); text-align:right; vertical-align:top; }
td { white-space:nowrap; } .prose td { white-space:normal; } th { cursor:pointer; color:var(--muted); font-weight:600; border-bottom:2px solid var(--line); vertical-align:bottom; }
th[aria-sort=ascending]::after { content:" ▴"; } th[aria-sort=descending]::after { content:" ▾"; }
td.text,th.text { text-align:left; } tr:hover td { background:var(--soft); }
figure { margin:14px 0 20px; } figure img { max-width:100%; height:auto; display:block; }
figcaption,.small { color:var(--muted); font-size:13px; max-width:100ch; margin-top:6px; }
details { margin:8px 0; } summary { cursor:pointer; color:var(--accent); }
code,pre { font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace; background:var(--soft); border-radius:5px; }
code { padding:1px 5px; } pre { padding:10px 14px; overflow-x:auto; border:1px solid var(--line); }
@media screen and (min-width:1240px) {
  body { display:grid; grid-template-columns:236px minmax(0,1120px); column-gap:24px; justify-content:center; }
  main { margin:0; width:100%; }
  nav { position:sticky; top:0; height:100vh; overflow-y:auto; padding:34px 0 24px 16px; margin:0; }
  nav a { display:block; padding:3px 0; white-space:normal; }
}
@media (max-width:720px) {
  main { padding:20px 14px 48px; } nav { padding:12px 14px 0; }
  figure { overflow-x:auto; } figure img { max-width:none; width:720px; }
}
@media print { nav { display:none; } .long { max-height:none; }  h2 { break-after:avoid; } figure { break-inside:avoid; } }
"""

_SORT = """
const number = text => {
  const found = text.replace(/−/g, "-").replace(/[,\\s]/g, "").match(/^[<>]?(-?[\\d.]+(?:e-?\\d+)?|-?∞)/);
  return found ? (found[1].endsWith("∞") ? (found[1] === "∞" ? Infinity : -Infinity) : parseFloat(found[1])) : NaN;
};
document.addEventListener("click", event => {
  const head = event.target.closest("th");
  if (!head) return;
  const body = head.closest("table").tBodies[0], place = head.cellIndex;
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const key = row => row.cells[place].textContent;
  const compare = (a, b) => {
    const [x, y] = [number(key(a)), number(key(b))];
    if (isNaN(x) && isNaN(y)) return sign * key(a).localeCompare(key(b));
    return isNaN(x) ? 1 : isNaN(y) ? -1 : sign * (x - y || 0);  // what is no number comes last
  };
  body.append(...[...body.rows].sort(compare));
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
});
"""
"""A click on the header of a table sorts its lines by that column, by their first number where they have one."""


def page(title: str, question: str, opening: Sequence[Block], parts: Sequence[Part]) -> str:
    """The whole page: contents that stay in sight, title, question and opening, then the numbered sections; tables can be sorted."""
    links = " ".join(f'<a href="#s{i}">{i} {escape(part.title)}</a>' for i, part in enumerate(parts, 1))
    body = "".join(
        f'<h2 id="s{i}">{i} {escape(part.title)}<a class="anchor" href="#s{i}" aria-label="link to this section">#</a></h2>'
        f"{printed(part.blocks)}"
        for i, part in enumerate(parts, 1)
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_CSS}</style></head><body><nav aria-label="contents">{links}</nav><main>'
        f'<h1>{escape(title)}</h1><p class="question">{escape(question)}</p>{printed(opening)}{body}</main>'
        f"<script>{_SORT}</script></body></html>\n"
    )


def printed(blocks: Sequence[Block]) -> str:
    """Blocks as HTML."""
    return "".join(map(_block, blocks))


def _block(block: Block) -> str:
    match block:
        case Text(words, kind):
            return f'<p class="{kind}">{escape(words)}</p>' if kind else f"<p>{escape(words)}</p>"
        case Heading(words):
            return f"<h3>{escape(words)}</h3>"
        case Table(header, lines, text_columns):
            return _table(header, lines, text_columns)
        case Drawing():
            return _figure(block)
        case Details(title, blocks):
            return f"<details><summary>{escape(title)}</summary>{printed(blocks)}</details>"
        case Code(words):
            return f"<pre>{escape(words)}</pre>"
        case Facts(facts):
            items = "".join(
                f"<li><b>{escape(value)}</b><span>{escape(name)}</span></li>" for name, value in facts.items()
            )
            return f'<ul class="chips">{items}</ul>'
        case File():
            return ""
        case Figure(name):
            raise ValueError(
                f"a figure must be rendered before it is printed, got {name}; see files.rendered"
            )


def _table(header: Sequence[str], lines: Sequence[Sequence[str]], text_columns: int) -> str:
    """A table of plain text cells; the first `text_columns` are aligned left, the rest right as numbers are."""

    def row(tag: str, values: Sequence[str]) -> str:
        classes = [' class="text"' if i < text_columns else "" for i in range(len(values))]
        return (
            "<tr>"
            + "".join(f"<{tag}{c}>{escape(v)}</{tag}>" for c, v in zip(classes, values, strict=True))
            + "</tr>"
        )

    body = "".join(row("td", values) for values in lines)
    kind = "scroll prose" if text_columns >= len(header) else "scroll"  # words may wrap, numbers may not
    long = len(lines) > LONGEST_TABLE
    table = f"<table><thead>{row('th', header)}</thead><tbody>{body}</tbody></table>"
    count = f'<p class="count">{len(lines):,} lines; a click on a header sorts them.</p>' if long else ""
    return f'<div class="{kind}{" long" * long}"{" tabindex=0" * long}>{table}</div>{count}'


def _figure(drawing: Drawing) -> str:
    """A figure with its bytes inside the page."""
    small = len(drawing.svg) <= LARGEST_SVG
    kind, data = ("svg+xml", drawing.svg) if small else ("png", drawing.png)
    source, caption = f"data:image/{kind};base64,{base64.b64encode(data).decode()}", escape(drawing.caption)
    return f'<figure><img src="{source}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'
