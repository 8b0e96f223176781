"""Writes every file of `samples/library` from the texts in `samples/source`.

Usage: `python samples/build.py [NAME ...]`, where NAME is an output file; without names all are
written. The same sources, libraries and fonts give the same bytes. README.md lists what to install.

A source is Markdown (headings, paragraphs, lists, tables, bold, code) under a small `key: value`
header; the suffix of its `output` picks the format.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from office_writer import make_docx, make_xlsx
from pdf_writer import make_pdf, register_fonts
from texts import ACCENT, PUBLISHER, Source, escape, markdown, read_source

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "source"
LIBRARY = HERE / "library"

PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="author" content="{author}">
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em; }}
h1, h2 {{ color: {accent}; }}
table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid #9fb4bd; padding: .3em .6em; text-align: left; vertical-align: top; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}</main>
</body>
</html>
"""


def make_html(source: Source) -> bytes:
    page = PAGE.format(
        language=source.meta["language"],
        title=escape(source.meta["title"]),
        author=PUBLISHER,
        accent=ACCENT,
        body=markdown().render(source.body),
    )
    return page.encode()


def make_markdown(source: Source) -> bytes:
    return f"# {source.meta['title']}\n\n{source.body}".encode()


WRITERS: dict[str, Callable[[Source], bytes]] = {
    ".pdf": make_pdf,
    ".docx": make_docx,
    ".xlsx": make_xlsx,
    ".html": make_html,
    ".md": make_markdown,
}


def main() -> int:
    arguments = argparse.ArgumentParser(description="Write the sample library from its sources.")
    arguments.add_argument("names", nargs="*", help="output files to write; all without names")
    arguments.add_argument(
        "--fonts",
        type=Path,
        default=Path("/usr/share/fonts/truetype/dejavu"),
        help="folder that holds DejaVuSans.ttf and DejaVuSans-Bold.ttf (%(default)s)",
    )
    options = arguments.parse_args()
    register_fonts(options.fonts)
    LIBRARY.mkdir(exist_ok=True)
    sources = [read_source(path) for path in sorted(SOURCES.glob("*.md"))]
    known = {source.output for source in sources}
    if unknown := set(options.names) - known:
        print(f"no source writes {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    for source in sources:
        if not options.names or source.output in options.names:
            data = WRITERS[Path(source.output).suffix](source)
            (LIBRARY / source.output).write_bytes(data)
            print(f"{source.output:40} {len(data):>8,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
