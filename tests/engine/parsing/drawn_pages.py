"""PDF pages drawn by their content streams: texts, lines and shades at their places."""

from collections.abc import Sequence
from pathlib import Path

from document_files import write_objects


def shown(text: str, left: float, bottom: float) -> str:
    text = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F1 10 Tf 1 0 0 1 {left:g} {bottom:g} Tm ({text}) Tj ET\n"


def stroked(x0: float, y0: float, x1: float, y1: float) -> str:
    return f"{x0:g} {y0:g} m {x1:g} {y1:g} l S\n"


def filled(x0: float, y0: float, x1: float, y1: float) -> str:
    """A border as office programs draw it: a filled rectangle of half a point."""
    wide, high = max(x1 - x0, 0.5), max(abs(y1 - y0), 0.5)
    return f"{x0:g} {min(y0, y1):g} {wide:g} {high:g} re f\n"


def write_pdf_contents(path: Path, pages: Sequence[str]) -> Path:
    """Write a page for each content stream; F1 is Helvetica."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    }
    for n, content in enumerate(pages):
        objects[4 + 2 * n] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * n} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        ).encode()
        shown = content.encode("latin-1")
        objects[5 + 2 * n] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown)
    return write_objects(path, objects)


def text_of(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(" | ".join(cell.replace("\n", " ") for cell in row) for row in rows)


def shaded(x0: float, y0: float, x1: float, y1: float) -> str:
    """A grey rectangle behind a row."""
    return f"0.85 g {x0:g} {y0:g} {x1 - x0:g} {y1 - y0:g} re f 0 g\n"
