"""Writes the table of docs/guide/metrics.md from the list of metrics in the code."""

from pathlib import Path

from citewell.core.metrics import PREFIX, SPECS

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "metrics.md"

TABLE = "| metric | kind | labels | meaning |\n|---|---|---|---|\n"


def page() -> str:
    """The page as it should be: its text, and the table anew."""
    text = PAGE.read_text(encoding="utf-8").partition(TABLE)[0]
    rows: list[str] = []
    for spec in SPECS:
        labels = ", ".join(f"`{label}`" for label in spec.labels)
        source = " (database)" if spec.is_read else ""
        rows.append(f"| `{PREFIX}{spec.name}` | {spec.kind} | {labels} | {spec.help}{source} |\n")
    return text + TABLE + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
