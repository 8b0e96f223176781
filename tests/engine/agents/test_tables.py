"""Queries over tables: values have their types, and nothing else is in reach."""

from pathlib import Path

from citewell.engine.agents.tables import query_tables

TABLE = "name;born;share;code\nAnn;1990-01-02;1.5;007\nBen;1985-03-04;2.5;008\nCy;;;\n"


class TestQueries:
    def asked(self, folder: Path, statement: str, rows: int = 10) -> dict[str, object]:
        path = folder / "people.csv"
        path.write_text(TABLE, encoding="utf-8")
        return dict(query_tables(str(path), path.name, "text/csv", statement, rows))

    def test_columns_have_types_and_results_are_bounded(self, tmp_path: Path) -> None:
        shown = self.asked(tmp_path, "")
        assert shown["tables"] == [
            '"data" ("name" VARCHAR, "born" DATE, "share" DOUBLE, "code" VARCHAR), 3 rows'
        ]
        assert shown["rows"] == [
            ["Ann", "1990-01-02", "1.5", "007"], ["Ben", "1985-03-04", "2.5", "008"],
            ["Cy", None, None, None],
        ]  # fmt: skip
        summed = self.asked(tmp_path, "SELECT sum(share), max(born), min(code) FROM data")
        assert summed["rows"] == [["4.0", "1990-01-02", "007"]]
        cut = self.asked(tmp_path, "SELECT * FROM range(1000000000)", rows=2)
        assert (cut["rows"], cut["is_complete"]) == ([["0"], ["1"]], False)

    def test_sql_reaches_no_file_and_changes_nothing(self, tmp_path: Path) -> None:
        for statement in (
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT content FROM read_text('/etc/passwd')",
            "SELECT * FROM '/etc/passwd'",
            "SELECT * FROM glob('/*')",
            "DROP TABLE data",
            "CREATE TABLE x AS SELECT 1",
            "COPY data TO '/tmp/x.csv'",
            "ATTACH '/tmp/x.db'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "SELECT 1; SELECT 2",
            "SELEKT",
        ):
            found = self.asked(tmp_path, statement)
            assert found["error"], statement
            assert found["rows"] == [], statement

    def test_file_without_a_table_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "note.csv"
        path.write_text("\n\n", encoding="utf-8")
        assert query_tables(str(path), path.name, "text/csv", "", 5)["error"]
        assert query_tables(str(path), path.name, "text/html", "", 5)["error"]
