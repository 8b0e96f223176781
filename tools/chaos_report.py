"""One line about a run of `make test-chaos`: what was killed, and what went wrong by it.

The tests append to the file; this prints what else they measured, and sums up. It fails if a part
is missing or something was lost, doubled or drifted.
"""

import json
import sys
from collections import Counter
from pathlib import Path

COUNTED = ("kills", "lost", "duplicates", "drift")

PARTS = (
    "storm", "database restarts", "full disk", "turns", "large document", "canaries", "take-over",
    "faults", "waiting", "runs",
)  # fmt: skip
"""Parts that a whole run has at least one record of."""


def summary(lines: list[str]) -> tuple[list[str], bool]:
    """The lines to print, and whether the run was whole and nothing went wrong."""
    records = [json.loads(line) for line in lines]
    sums: Counter[str] = Counter()
    measured: list[str] = []
    for record in records:
        sums.update({name: record.get(name, 0) for name in COUNTED})
        others = {key: value for key, value in record.items() if key not in (*COUNTED, "kind")}
        told = ", ".join(f"{name} {value:,}" for name, value in others.items())
        if told:
            measured.append(f"{record['kind']}: {told}")
    missing = [part for part in PARTS if part not in {record["kind"] for record in records}]
    line = ", ".join(f"{name} {sums[name]:,}" for name in COUNTED)
    if missing:
        line += f"; not run: {', '.join(missing)}"
    is_good = not missing and not any(sums[name] for name in COUNTED[1:])
    return [*measured, line], is_good


def main() -> None:
    """Print the lines for the file named on the command line."""
    lines, is_good = summary(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
    print("\n".join(lines))
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
