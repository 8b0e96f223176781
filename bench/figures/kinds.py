"""Answers without a model to questions over the sample library, by kind."""

from pathlib import Path

from bench.charts import Chart
from bench.figures.quality import command
from bench.options import ROOT
from bench.report import Row

VERDICTS = ("right", "partly", "wrong", "wrongly_abstained", "should_have_abstained")


def measure(work: Path) -> tuple[list[Row], list[str], list[Chart]]:
    """Take the sample library in, and ask its questions."""
    command(work, "ingest", str(ROOT / "samples" / "library"), "--json")
    asked = ROOT / "samples" / "questions" / "held.jsonl"
    found = command(work, "eval", "answers", str(asked), "--json")
    kinds: dict[str, dict[str, int]] = {}
    for name, counts in found["by_kind"].items():
        kind = kinds.setdefault(name.partition("-")[2], dict.fromkeys(("questions", *VERDICTS), 0))
        for verdict in kind:
            kind[verdict] += counts[verdict]
    rows = [
        Row(
            kind,
            f"{counts['right']} of {counts['questions']} right",
            ", ".join(f"{counts[name]} {name}" for name in VERDICTS[1:] if counts[name]),
        )
        for kind, counts in kinds.items()
    ]
    rows.append(
        Row(
            "all kinds",
            f"{found['right'] / found['questions']:.1%} right of {found['questions']}",
            f"first quote holds it {found['first_quote']:.1%}, {found['mean_sentences']:.2f} "
            f"sentences, calibration error {found['ece']:.3f}, p50 {found['p50_ms']:.0f} ms",
        )
    )
    chart = Chart(
        "kinds",
        "Answers per kind of question, sample library, without a model",
        "questions",
        list(kinds),
        {name: [float(counts[name]) for counts in kinds.values()] for name in VERDICTS},
        "stack",
    )
    note = (
        "The half of the sample library's questions that the rules were not tuned on "
        "(`samples/questions/held.jsonl`), English and Vietnamese."
    )
    return rows, [note], [chart]
