"""PDF files, read back by another program."""

import time

import pypdfium2

from citewell.kit.pdf import PrintedText, make_pdf

VIETNAMESE = "Người lao động được hưởng tiền mừng khi kết hôn, kể cả ở Đà Nẵng."


def texts(made: bytes) -> list[str]:
    """The text of each page, its lines joined."""
    document = pypdfium2.PdfDocument(made)
    try:
        pages = [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()
    return [" ".join(page.split()) for page in pages]


class TestMaking:
    def test_text_is_found_again_whatever_its_letters(self) -> None:
        apart = "Đa\u0300 Na\u0306\u0303ng"  # letters and marks as several characters
        heading = PrintedText("Mục 1", is_bold=True, holds_next=True)
        made = make_pdf("Quỹ", [heading, PrintedText(VIETNAMESE), PrintedText(apart)])
        [page] = texts(made)
        assert page == f"Mục 1 {VIETNAMESE} Đà Nẵng 1 / 1"
        document = pypdfium2.PdfDocument(made)
        assert document.get_metadata_value("Title") == "Quỹ"
        document.close()

    def test_long_text_goes_on_over_lines_and_pages(self) -> None:
        words = [f"word{number}" for number in range(3_000)]
        long = "x" * 400
        made = make_pdf("T", [PrintedText(" ".join(words)), PrintedText(long)])
        pages = texts(made)
        assert len(pages) > 2
        whole = " ".join(
            page.removesuffix(f" {number} / {len(pages)}") for number, page in enumerate(pages, 1)
        )
        assert whole.split()[:3_000] == words
        assert "".join(whole.split()[3_000:]) == long
        document = pypdfium2.PdfDocument(made)
        for page in document:
            text = page.get_textpage()
            for number in range(text.count_rects()):
                left, bottom, right, top = text.get_rect(number)
                assert left > 50
                assert right < 595 - 50
                assert bottom > 20
                assert top < 842 - 50
        document.close()

    def test_what_cannot_be_shown_breaks_nothing(self) -> None:
        odd = "a\0b\u200bc\ud800 漢 (\\) <</Evil>> \n\n\u202eabc"
        [page] = texts(make_pdf("", [PrintedText(odd), PrintedText(""), PrintedText(" ")]))
        assert page.startswith("abc")
        assert "(\\) <</Evil>> abc" in page
        assert texts(make_pdf("T", [])) == ["1 / 1"]

    def test_many_lines_cost_as_much_each_as_few(self) -> None:
        def cost(lines: int) -> float:
            begun = time.process_time()
            make_pdf("T", [PrintedText("x\n" * lines, is_bold=True, holds_next=True)])
            return time.process_time() - begun

        cost(10)  # what is loaded once is loaded now
        few, many = cost(500), cost(4_000)
        assert many < 24 * few

    def test_tabs_and_returns_part_words(self) -> None:
        [page] = texts(make_pdf("T", [PrintedText("Revenue\t100\r200")]))
        assert page == "Revenue 100 200 1 / 1"
