"""A corpus of our own: HTML pages of the size and shape of technical documentation.

    python -m bench.generate FOLDER [FILES]

The same files on every machine. The words are those of the bundled model's tokenizer, so that a
text has as many tokens as real English; they are drawn by Zipf's law, a page mixing common words
with those of its topics, so that questions have passages that fit better than others.
"""

import bisect
import html
import itertools
import json
import random
import sys
from pathlib import Path

from citewell.engine.embedding.bundled import MODEL_FOLDER

_COMMON = (
    "the of and to in a is that for it as with be on by this are or from an at which not have can "
    "if when will has its you must may one all used into more than only also each should no other "
    "set such then these but after before between both does during how there they two where while"
)

TOPICS = 120
TOPIC_WORDS = 250
MEDIAN_BYTES, SPREAD = 8_500, 0.75
"""Log-normal sizes. Debian's kernel documentation has 24 kB, but as many passages a page: the rest
is mark-up."""


class _Words:
    """Draws words: common ones and the general vocabulary by rank, topic words by topic."""

    def __init__(self, chance: random.Random, vocabulary: list[str]) -> None:
        self._chance = chance
        self._general = _COMMON.split() + vocabulary[:8_000]
        # Zipf-Mandelbrot: frequency falls with (rank + 2.7).
        self._sums = list(itertools.accumulate(1 / (n + 2.7) for n in range(len(self._general))))
        self._topics = [chance.sample(vocabulary, TOPIC_WORDS) for _ in range(TOPICS)]
        self._topic_sums = list(itertools.accumulate(1 / (n + 2.7) for n in range(TOPIC_WORDS)))
        self.topics = [0]

    def word(self) -> str:
        chance = self._chance
        if chance.random() < 0.22:
            return self.topic_word()
        place = chance.random() * self._sums[-1]
        return self._general[bisect.bisect_left(self._sums, place)]

    def topic_word(self) -> str:
        topic = self._topics[self._chance.choice(self.topics)]
        place = self._chance.random() * self._topic_sums[-1]
        return topic[bisect.bisect_left(self._topic_sums, place)]

    def identifier(self) -> str:
        return "_".join(self.topic_word() for _ in range(self._chance.randint(2, 3)))

    def sentence(self) -> str:
        words = [self.word() for _ in range(self._chance.randint(7, 24))]
        if self._chance.random() < 0.4:
            words[self._chance.randrange(len(words))] = self.identifier() + "()"
        if len(words) > 14:
            words[7] += ","
        text = " ".join(words)
        return text[0].upper() + text[1:] + "."


def generate(folder: Path, files: int) -> None:
    """Write `files` pages into `folder`."""
    chance = random.Random(7)
    words = _Words(chance, _vocabulary(chance))
    for number in range(files):
        words.topics = chance.sample(range(TOPICS), 3)
        size = min(300_000, max(3_200, round(chance.lognormvariate(0, SPREAD) * MEDIAN_BYTES)))
        target = folder / f"part-{number // 50:03d}" / f"page-{number:05d}.html"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_page(chance, words, size), encoding="utf-8")


def _vocabulary(chance: random.Random) -> list[str]:
    model = json.loads((MODEL_FOLDER / "tokenizer.json").read_bytes())["model"]["vocab"]
    words = [word for word in model if word.isascii() and word.isalpha() and 4 <= len(word) <= 12]
    words.sort()
    chance.shuffle(words)
    return words


def _page(chance: random.Random, words: _Words, size: int) -> str:
    title = _heading(chance, words)
    menu = "".join(f'<li><a href="#s{n}">{_heading(chance, words)}</a></li>' for n in range(8))
    parts = [f"<h1>{title}</h1>"]
    length = 1_500
    while length < size:
        level = chance.choice((2, 2, 3))
        section = [f'<h{level} id="s{len(parts)}">{_heading(chance, words)}</h{level}>']
        section += [_block(chance, words) for _ in range(chance.randint(2, 6))]
        parts.append(f'<div class="section">{"".join(section)}</div>\n')
        length += len(parts[-1])
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title></head>\n<body><nav><ul>{menu}</ul></nav>\n"
        f"<main>{''.join(parts)}</main>\n<footer>Generated for measuring.</footer></body></html>\n"
    )


def _block(chance: random.Random, words: _Words) -> str:
    kind = chance.random()
    if kind < 0.72:
        text = " ".join(words.sentence() for _ in range(chance.randint(2, 6)))
        return f"<p>{html.escape(text)}</p>\n"
    if kind < 0.84:
        items = (words.sentence() for _ in range(chance.randint(3, 7)))
        return "<ul>" + "".join(f"<li><p>{html.escape(item)}</p></li>" for item in items) + "</ul>"
    if kind < 0.92:
        calls = (
            f"{words.identifier()}({words.topic_word()}, {chance.randint(0, 4096)});"
            for _ in range(chance.randint(4, 10))
        )
        return '<div class="highlight"><pre>' + "\n".join(calls) + "</pre></div>\n"
    rows = [[words.topic_word(), words.identifier(), "note"]]
    rows += [
        [words.topic_word(), str(chance.randint(0, 65_535)), words.sentence()]
        for _ in range(chance.randint(4, 14))
    ]
    cells = ("".join(f"<td><p>{html.escape(cell)}</p></td>" for cell in row) for row in rows)
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>\n"


def _heading(chance: random.Random, words: _Words) -> str:
    text = " ".join(words.topic_word() for _ in range(chance.randint(2, 5)))
    return text[0].upper() + text[1:]


if __name__ == "__main__":
    generate(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100)
