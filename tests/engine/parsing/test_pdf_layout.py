"""Pages as people read them: spaced words, words cut at line ends, notes, headers."""

from document_files import write_pdf, write_pdf_content

BODY = [
    "The committee decided in March that every member of the board of the company has to",
    "resign as soon as the new rules are in force, which according to the inspector will be",
    "the case in the summer of the next year at the latest, when the plant in the north is",
    "finished. Until then the old board goes on and reports to the owners every two weeks so",
]
NEXT = [
    "that nobody can say that it was not told about the trouble in time. The owners pay the",
    "cost of 71,300 euros. A second board is chosen in May by all of the members and their own",
    "guests who have paid their share of the cost before the end of the month of April.",
]


class TestOrder:
    def written(self, path, lines):
        return write_pdf_content(
            path, " ".join(f"BT /F1 12 Tf {x} {y} Td ({text}) Tj ET" for x, y, text in lines)
        )

    def test_lines_that_are_stored_upwards_are_read_downwards(self, read, tmp_path):
        lines = [
            "Your lease of berth 88 ends on",
            "31 October. Please bring the three",
            "keys and the card before noon of",
            "that day to the office at the pier.",
        ]
        placed = [(50, 700 - 16 * n, text) for n, text in enumerate(lines)]
        path = self.written(tmp_path / "a.pdf", [*reversed(placed), (50, 760, "Dear Ms Holm,")])
        assert " ".join(block.text for block in read(path)[1]) == " ".join(
            ["Dear Ms Holm,", *lines]
        )

    def test_columns_stay_in_their_order(self, read, tmp_path):
        placed = [
            (50 + 260 * column, 700 - 16 * n, f"Column {column} has the long line {n}.")
            for column in (0, 1)
            for n in range(5)
        ]
        text = " ".join(b.text for b in read(self.written(tmp_path / "a.pdf", placed))[1])
        assert text.index("Column 0 has the long line 4.") < text.index("Column 1 has")


class TestPages:
    def test_spaced_words_are_joined_and_labels_are_not(self, read, tmp_path):
        lines = ["S A L A R Y", "The v a l v e is closed.", "Choose A B C D E below."]
        _, blocks = read(write_pdf(tmp_path / "a.pdf", [[*BODY, *lines]]))
        text = " ".join(block.text for block in blocks)
        assert "SALARY" in text
        assert "The valve is closed." in text
        assert "Choose A B C D E below." in text

    def test_a_wide_gap_parts_spaced_words(self, read, tmp_path):
        content = "BT /F1 12 Tf 50 780 Td (S A L A R Y) Tj 160 0 Td (T A B L E) Tj ET "
        content += "".join(f"BT /F1 12 Tf 50 {740 - 16 * n} Td ({t}) Tj ET " for n, t in
                           enumerate(BODY))  # fmt: skip
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert blocks[0].text in ("SALARY TABLE", "SALARY | TABLE")

    def test_words_cut_at_line_ends_join_and_compounds_keep_their_hyphen(self, read, tmp_path):
        lines = [
            "The inspector of the northern district wrote that the whole plant had to be main-",
            "tained by its own people and that the cooperation between the two firms is well-",
            "known. Each of them keeps its own books and they report to the same board of people.",
        ]
        _, blocks = read(write_pdf(tmp_path / "a.pdf", [lines]))
        (text,) = (block.text for block in blocks)
        assert "had to be maintained by" in text
        assert "is well-known. Each" in text

    def test_notes_and_running_lines_do_not_split_a_sentence(self, read, tmp_path):
        head = "Report of the northern plant"
        pages = [
            [head, *BODY, "1 See the rules of 2019, page 4, and the inspector's letter.", "- 1 -"],
            [head, *NEXT, "- 2 -"],
            [head, "The crane is inspected on 3 November and painted by the people.", "- 3 -"],
        ]
        _, blocks = read(write_pdf(tmp_path / "a.pdf", pages))
        texts = [block.text for block in blocks]
        assert texts.count(head) == 1
        assert not any("- 2 -" in text for text in texts)
        (sentence,) = (block for block in blocks if "reports to the owners" in block.text)
        assert "every two weeks so that nobody can say that it was not told" in sentence.text
        assert (sentence.page, len(sentence.breaks)) == (1, 1)
        (note,) = (block for block in blocks if "rules of 2019" in block.text)
        assert (note.page, note.text.startswith("1 See the rules")) == (1, True)
        assert [block.page for block in blocks] == sorted(block.page for block in blocks)

    def test_letters_drawn_behind_their_line_stand_in_their_place(self, read, tmp_path):
        # Helvetica 12: c 6, a 6.672, f 3.336 points wide; é 6.672, drawn last in its gap.
        content = (
            "BT /F1 12 Tf 50 700 Td (caf) Tj ET BT /F1 12 Tf 76 700 Td (opens at 7) Tj ET "
            "BT /F1 12 Tf 66.008 700 Td (\xe9) Tj ET"
        )
        path = write_pdf_content(tmp_path / "a.pdf", content)
        path.write_bytes(
            path.read_bytes().replace(
                b"/BaseFont /Helvetica", b"/BaseFont /Helvetica /Encoding /WinAnsiEncoding"
            )
        )
        assert [block.text for block in read(path)[1]] == ["café opens at 7"]

    def test_line_that_stands_upside_down_is_not_turned_around(self, read, tmp_path):
        content = "".join(
            f"BT /F1 12 Tf 50 {740 - 16 * n} Td ({line}) Tj ET " for n, line in enumerate(BODY)
        )
        content += "BT /F1 12 Tf -1 0 0 -1 300 500 Tm (caf\xe9 opens at 7) Tj ET"
        path = write_pdf_content(tmp_path / "a.pdf", content)
        path.write_bytes(
            path.read_bytes().replace(
                b"/BaseFont /Helvetica", b"/BaseFont /Helvetica /Encoding /WinAnsiEncoding"
            )
        )
        assert "café opens at 7" in " ".join(block.text for block in read(path)[1])


class TestLabels:
    def test_values_at_one_place_behind_their_labels_stay_on_their_lines(self, read, tmp_path):
        rows = [
            ("Name", "Ann Petrov"),
            ("Street", "Quay 14 b"),
            ("Purpose", "Overwintering of a wooden yawl"),
            ("Telephone", "+49 30 5512"),
        ]
        content = " ".join(
            f"BT /F1 11 Tf 60 {700 - 16 * at} Td ({label}) Tj ET"
            f" BT /F1 11 Tf 130 {700 - 16 * at} Td ({value}) Tj ET"
            for at, (label, value) in enumerate(rows)
        )
        _, blocks = read(write_pdf_content(tmp_path / "a.pdf", content))
        assert [line for block in blocks for line in block.text.split("\n")] == [
            f"{label} {value}" for label, value in rows
        ]
