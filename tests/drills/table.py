"""The table of docs/reliability.md from what the drills measured: python -m tests.drills.table MEASURED PAGE.

Of a drill that ran more than once the last line counts, and the others are removed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

BEGIN, END = "<!-- drills: begin -->", "<!-- drills: end -->"


def latest(lines: list[str]) -> list[str]:
    """Of each drill the last line, in order."""
    drills = {json.loads(line)["drill"]: line for line in lines}
    return [line for _, line in sorted(drills.items())]


def table(lines: list[str]) -> str:
    """Markdown, a row for each line."""
    rows = [
        "| # | drill | criterion | measured | passed | command: `make drills ARGS='-k …'` |",
        "|--:|---|---|---|---|---|",
    ]
    for entry in map(json.loads, lines):
        passed = "yes" if entry["passed"] else "**no**"
        test = entry["test"].rpartition("::")[2].removesuffix(".py")
        cells = (
            str(entry["drill"]),
            entry["name"],
            entry["criterion"],
            entry["measured"],
            passed,
            f"`{test}`",
        )
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def main(measured: Path, page: Path) -> None:
    """Put the table between the marks of the page."""
    lines = latest(measured.read_text().splitlines())
    measured.write_text("\n".join(lines) + "\n")
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{table(lines)}\n{END}{after}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
