"""The table of docs/reliability.md from what the drills measured: python -m tests.drills.table MEASURED PAGE."""

from __future__ import annotations

import json
import sys
from pathlib import Path

BEGIN, END = "<!-- drills: begin -->", "<!-- drills: end -->"


def table(lines: list[str]) -> str:
    """Markdown, a row per drill, in order; of a drill that ran twice the last one."""
    drills = {entry["drill"]: entry for entry in map(json.loads, lines)}
    rows = [
        "| # | drill | criterion | measured | passed | command: `make drills ARGS='-k …'` |",
        "|--:|---|---|---|---|---|",
    ]
    for number, entry in sorted(drills.items()):
        passed = "yes" if entry["passed"] else "**no**"
        test = entry["test"].rpartition("::")[2].removesuffix(".py")
        cells = (str(number), entry["name"], entry["criterion"], entry["measured"], passed, f"`{test}`")
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def main(measured: Path, page: Path) -> None:
    """Put the table between the marks of the page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{table(measured.read_text().splitlines())}\n{END}{after}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
