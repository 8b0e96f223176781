"""One line about a run of `make test-access`: what was tried, and what got through.

The tests append to the file; this sums up. It fails if a part of the proof is missing.
"""

import json
import sys
from collections import Counter
from pathlib import Path

PARTS = ("probes", "oracle", "revocation")
"""Kinds that a whole run has at least one record of."""


def summary(lines: list[str]) -> tuple[str, bool]:
    """The line, and whether the run was whole and nothing leaked."""
    records = [json.loads(line) for line in lines]
    sums: Counter[str] = Counter()
    slowest = 0.0
    for record in records:
        sums.update({key: record.get(key, 0) for key in ("probes", "leaks", "steps")})
        if record["kind"] == "revocation":
            slowest = max(slowest, record["seconds"])
    missing = [part for part in PARTS if part not in {record["kind"] for record in records}]
    line = (
        f"probes {sums['probes']:,}, leaks {sums['leaks']}, oracle steps {sums['steps']:,}, "
        f"revocation {slowest:.2f} s"
    )
    if missing:
        line += f"; not run: {', '.join(missing)}"
    return line, not missing and not sums["leaks"]


def main() -> None:
    """Print the line for the file named on the command line."""
    line, is_good = summary(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
    print(line)
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
