from pathlib import Path

import pytest

from citewell.engine.evaluation.datasets import (
    DatasetError,
    EvaluationDocument,
    EvaluationQuery,
    read_corpus,
    read_judgements,
    read_queries,
)


class TestReadCorpus:
    def test_documents_are_read_in_order(self, tmp_path: Path) -> None:
        (tmp_path / "corpus.jsonl").write_text(
            '{"id":"a","title":"T","text":"Xin chào"}\n\n{"id":2,"text":"x","lang":"en"}\n'
            '{"id":"void","text":""}\n',
            encoding="utf-8",
        )
        assert list(read_corpus(tmp_path)) == [
            EvaluationDocument("a", "T", "Xin chào"),
            EvaluationDocument("2", "", "x"),
            EvaluationDocument("void", "", ""),
        ]

    def test_reading_is_lazy(self, tmp_path: Path) -> None:
        (tmp_path / "corpus.jsonl").write_text('{"id":"a","text":"x"}\nbroken\n')
        documents = read_corpus(tmp_path)
        assert next(documents).id == "a"
        with pytest.raises(DatasetError, match=r"corpus\.jsonl, line 2: is not JSON"):
            next(documents)

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("[1]", "not a JSON object"),
            ('{"text":"x"}', "'id'"),
            ('{"id":"b"}', "'text'"),
            ('{"id":"b","text":5}', "'text'"),
            ('{"id":"a","text":"x"}', "repeats the id 'a'"),
        ],
    )
    def test_bad_line_is_named(self, tmp_path: Path, line: str, problem: str) -> None:
        (tmp_path / "corpus.jsonl").write_text('{"id":"a","text":"x"}\n' + line + "\n")
        with pytest.raises(DatasetError, match=problem) as caught:
            list(read_corpus(tmp_path))
        assert caught.value.line == 2

    def test_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"corpus\.jsonl: No such file"):
            list(read_corpus(tmp_path))

    def test_wrong_encoding_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "corpus.jsonl").write_bytes(b'{"id":"\xff\xfe"}')
        with pytest.raises(DatasetError, match="UTF-8"):
            list(read_corpus(tmp_path))


class TestReadQueries:
    def test_byte_order_mark_is_skipped(self, tmp_path: Path) -> None:
        (tmp_path / "queries.jsonl").write_text('\ufeff{"id":"q","text":"why?"}', encoding="utf-8")
        assert list(read_queries(tmp_path)) == [EvaluationQuery("q", "why?")]


class TestReadJudgements:
    def test_header_is_skipped_and_grades_are_kept(self, tmp_path: Path) -> None:
        (tmp_path / "qrels.tsv").write_text(
            "query_id\tcorpus_id\tgrade\nq1\ta\t2\nq1\tb\t0\r\nq2\ta\t1\n"
        )
        assert read_judgements(tmp_path) == {"q1": {"a": 2, "b": 0}, "q2": {"a": 1}}

    def test_missing_header_loses_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "qrels.tsv").write_text("q1\ta\t1\n")
        assert read_judgements(tmp_path) == {"q1": {"a": 1}}

    @pytest.mark.parametrize(
        ("line", "problem"), [("q1 a 1", "tab-separated"), ("q1\ta\thigh", "no whole number")]
    )
    def test_bad_line_is_named(self, tmp_path: Path, line: str, problem: str) -> None:
        (tmp_path / "qrels.tsv").write_text("query_id\tcorpus_id\tgrade\nq1\ta\t1\n" + line)
        with pytest.raises(DatasetError, match=rf"line 3: .*{problem}"):
            read_judgements(tmp_path)

    def test_header_alone_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "qrels.tsv").write_text("query_id\tcorpus_id\tgrade\n")
        with pytest.raises(DatasetError, match="no judgements"):
            read_judgements(tmp_path)
