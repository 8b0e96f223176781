import json
from pathlib import Path

import pytest

from citewell.engine.evaluation.claims import Label, measure_grades, read_claims
from citewell.engine.evaluation.datasets import DatasetError
from citewell.engine.llm.testing import FakeLanguageModel
from citewell.engine.verification.asking import ModelVerifier
from citewell.engine.verification.rules import RulesVerifier

ROWS = [
    {"evidence": "The fee is 30 euros.", "claim": "The fee is 30 euros.", "label": "supported"},
    {
        "evidence": "The fee is 30 euros.",
        "claim": "The fee amounts to 30 euros.",
        "label": "supported",
    },
    {"evidence": "The fee is 30 euros.", "claim": "The fee is 20 euros.", "label": "refuted"},
    {"evidence": "The fee is 30 euros.", "claim": "Whales sing at night.", "label": "unknown"},
]


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


class TestReadClaims:
    def test_fields_that_are_left_out_have_defaults(self, tmp_path: Path) -> None:
        [first, *_] = read_claims(write(tmp_path / "claims.jsonl", [dict(row) for row in ROWS]))
        assert (first.id, first.language, first.label) == ("1", "en", Label.SUPPORTED)

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            ({"claim": "a", "label": "supported"}, "needs a text in 'evidence'"),
            ({"evidence": "a", "claim": "a", "label": "true"}, "label 'true' is none of"),
            (
                {"evidence": "a", "claim": "a", "label": "refuted", "lang": 3},
                "needs a language code",
            ),
        ],
    )
    def test_malformed_line_is_named(
        self, tmp_path: Path, row: dict[str, object], problem: str
    ) -> None:
        path = write(tmp_path / "claims.jsonl", [dict(ROWS[0]), row])
        with pytest.raises(DatasetError, match=f"line 2: {problem}"):
            list(read_claims(path))


class TestMeasureGrades:
    async def test_shares_are_by_label(self, tmp_path: Path) -> None:
        path = write(tmp_path / "claims.jsonl", [dict(row, kind="fees") for row in ROWS])
        done: list[int] = []
        figures = await measure_grades(list(read_claims(path)), done.append, RulesVerifier())
        assert done == [4]
        assert figures.recall == 0.5
        assert figures.false_support_refuted == figures.false_support_unknown == 0.0
        assert figures.contradicted_right == 1.0
        assert figures.grades["supported"] == {"quoted": 0.5, "reworded": 0.5}
        assert figures.accepted_by_kind == {
            "fees": {"supported": 0.5, "refuted": 0.0, "unknown": 0.0}
        }

    async def test_second_reading_counts_as_recall(self, tmp_path: Path) -> None:
        claims = list(read_claims(write(tmp_path / "claims.jsonl", [dict(row) for row in ROWS])))
        verifier = ModelVerifier(FakeLanguageModel(["1: supported"]))
        figures = await measure_grades(claims, lambda _: None, verifier)
        assert figures.recall == 1.0
        assert figures.grades["supported"] == {"quoted": 0.5, "confirmed": 0.5}
        assert figures.false_support_refuted == figures.false_support_unknown == 0.0
