"""Tables of plain text are told by where their columns stand."""

from citewell.engine.parsing.readers.text_tables import aligned_rows


def rows(text: str) -> list[list[str]] | None:
    return aligned_rows(text.strip("\n").splitlines())


class TestTables:
    def test_columns_set_apart_by_spaces(self) -> None:
        made = rows(
            """
Nhóm khách                    Năm 2023      Năm 2024
----------------------------------------------------
Trong nước, phố Lò Chum        61.300        66.900
Quốc tế, phố Lò Chum           14.200         9.800
"""
        )
        assert made == [
            ["Nhóm khách", "Năm 2023", "Năm 2024"],
            ["Trong nước, phố Lò Chum", "61.300", "66.900"],
            ["Quốc tế, phố Lò Chum", "14.200", "9.800"],
        ]

    def test_columns_set_apart_by_tabs(self) -> None:
        made = rows("Site\tKeeper\tFee\nAsh Hall\tAda Holm\t£12.50\nElm\tBo\t-")
        assert made is not None
        assert made[1] == ["Ash Hall", "Ada Holm", "£12.50"]

    def test_sheets_saved_as_text_keep_empty_and_quoted_cells(self) -> None:
        made = rows('Site\tFee\tFrom\nAsh\t"1.250"\t05/03/2027\nElm\t\t06/03/2027\n')
        assert made is not None
        assert made[1:] == [["Ash", "1.250", "05/03/2027"], ["Elm", "", "06/03/2027"]]

    def test_years_are_names_of_columns(self) -> None:
        made = rows("Kind      2023   2024\nVisits      61     66\nTours        4      7\n")
        assert made is not None
        assert made[0] == ["Kind", "2023", "2024"]

    def test_words_alone_need_a_line_below_the_header(self) -> None:
        made = rows(
            "Room    Floor    Keeper\n----    -----    ------\n"
            "Blue    ground   Ada\nRed     top      Bo\n"
        )
        assert made is not None
        assert made[2] == ["Red", "top", "Bo"]


class TestNoTables:
    def test_rows_without_a_header_stay_text(self) -> None:
        assert rows("Tea      2.00\nCoffee   2.50\nCake     3.00") is None

    def test_text_stays_text(self) -> None:
        for text in (
            "1.   First\n2.   Second\n3.   Third",
            "Phone:   123\nFax:     124\nMobile:  125",
            "It rained.  We left.\nWe slept.  It was late.\nWe ate.  It was good.",
            "One line   only\nTwo lines   only",
            "A name   a long word\nAnother name that is long   b\nA third   c",
            "Room    Floor\nBlue    ground\nRed     top",
            "Ann\tSales\tBerlin\nBob\tIT\tParis\nEve\tHR\tRome",
            "int a;    // first     note\nint b;    // second    note\nint c;    // third     note",
        ):
            assert rows(text) is None, text
