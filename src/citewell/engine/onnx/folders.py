"""A folder with a model exported to ONNX, its tokenizer, and what its files say of both.

Read as the usual tools write them (`optimum-cli export onnx`, sentence-transformers'
`save_pretrained` with `backend="onnx"`, Transformers.js): the graph as `model.onnx` in the folder
or in its `onnx/`, `tokenizer.json` beside it. A card `citewell.json` says what the files do not, or
says it differently; it always has the last word.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from tokenizers import Tokenizer

from citewell.engine.errors import ProviderConfigurationError
from citewell.engine.onnx.errors import ONNX_ERRORS, TOKENIZER_ERRORS
from citewell.engine.onnx.sessions import LoadedGraph, load_session

CARD: Final = "citewell.json"

USUAL_TOKENS: Final = 512
"""Length of a model whose files do not tell it; nearly all take so much."""

_MOST_TOKENS: Final = 1_000_000
"""Tokenizers without a limit write 10**30 as theirs."""

_POSITIONS_BEFORE_TEXT: Final = frozenset({"xlm-roberta", "roberta", "camembert", "mpnet"})
"""Families whose first two positions stand for padding: 514 of them take 512 tokens."""

_NAMES: Final = ("model.onnx", "onnx/model.onnx")

# The block of a model card's README that hubs read; its `language` is one code or a list of them.
_FRONT_MATTER: Final = re.compile(r"\A---\n(.{0,20000}?)\n---", re.DOTALL)
_LANGUAGES: Final = re.compile(
    r"^languages?:[ \t]*(?P<one>\S[^\n]*)?(?P<list>(?:\n[ \t]*-[ \t]*[^\n]+)*)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """The files of one model."""

    path: Path
    graph: Path
    card: Mapping[str, object]

    def settings(self, name: str) -> dict[str, object]:
        """Get what a JSON file of the folder holds; nothing where it is not there."""
        return _read_object(self.path / name) if (self.path / name).is_file() else {}

    def max_tokens(self) -> int:
        """Get the longest input in tokens, special tokens included."""
        if (given := self.integer("max_tokens")) is not None:
            return given
        config = self.settings("config.json")
        positions = config.get("max_position_embeddings")
        if isinstance(positions, int) and config.get("model_type") in _POSITIONS_BEFORE_TEXT:
            positions -= 2
        limits = [
            self.settings("sentence_bert_config.json").get("max_seq_length"),
            self.settings("tokenizer_config.json").get("model_max_length"),
            positions,
        ]
        # The tools disagree often; the smallest is safe, as a longer input fails in the graph. Two
        # tokens are taken by the marks of beginning and end.
        known = [each for each in limits if isinstance(each, int) and 2 < each < _MOST_TOKENS]
        return min(known, default=USUAL_TOKENS)

    def languages(self) -> frozenset[str] | None:
        """Get the ISO 639-1 codes of card or README; empty: they say nothing; None: many."""
        stated = self.card.get("languages")
        if isinstance(stated, str):
            codes = [stated]
        elif isinstance(stated, list):
            codes = [str(each) for each in cast(list[object], stated)]
        else:
            codes = self._readme_languages()
        if "multilingual" in codes:
            return None
        return frozenset(code.lower() for code in codes)

    def _readme_languages(self) -> list[str]:
        try:
            text = (self.path / "README.md").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        front = _FRONT_MATTER.match(text)
        found = _LANGUAGES.search(front[1]) if front else None
        if found is None:
            return []
        lines = [found["one"] or "", *found["list"].splitlines()]
        return [code for line in lines for code in re.findall(r"[A-Za-z]{2,12}", line)]

    def text(self, key: str) -> str | None:
        """Get a text of the card; None where it has none."""
        value = self.card.get(key)
        if value is not None and not isinstance(value, str):
            raise self.refusal(f"`{key}` in {CARD} must be a text")
        return value

    def integer(self, key: str) -> int | None:
        """Get a positive whole number of the card; None where it has none."""
        value = self.card.get(key)
        if value is not None and (type(value) is not int or value < 1):
            raise self.refusal(f"`{key}` in {CARD} must be a positive whole number")
        return value

    def load(self) -> tuple[LoadedGraph, Tokenizer]:
        """Load graph and tokenizer.

        Raises:
            ProviderConfigurationError: One of them cannot be loaded.
        """
        file = self._tokenizer_file()
        if file is None:
            raise self.refusal(
                "it has no tokenizer.json (a fast tokenizer's `save_pretrained` writes it)"
            )
        try:
            tokenizer = Tokenizer.from_file(str(file))
        except TOKENIZER_ERRORS as error:
            raise self.refusal(f"its tokenizer.json cannot be read: {error}") from error
        # A tokenizer's file may ask to pad every text to one length, which costs the time of the
        # longest.
        tokenizer.no_padding()
        try:
            return load_session(self.graph), tokenizer
        except ONNX_ERRORS as error:
            raise self.refusal(f"{self.graph.name} cannot be loaded: {error}") from error

    def fingerprint(self, *facts: object) -> str:
        """Get eight hexadecimal digits that name the model: its files and how they are used."""
        # Short, since it becomes part of the embedding's name; it tells models apart and protects
        # from nothing.
        digest = hashlib.blake2b(repr(facts).encode(), digest_size=4)
        # Weights beyond 2 GB lie in files of their own, named after the graph.
        files = sorted(self.graph.parent.glob(f"{self.graph.name}*"))
        for file in (*files, self._tokenizer_file()):
            if file is not None:
                with file.open("rb") as opened:
                    digest.update(hashlib.file_digest(opened, "sha256").digest())
        return digest.hexdigest()

    def _tokenizer_file(self) -> Path | None:
        places = (self.path / "tokenizer.json", self.graph.parent / "tokenizer.json")
        return next((each for each in places if each.is_file()), None)

    def refusal(self, reason: str) -> ProviderConfigurationError:
        """The error that says why the folder cannot be used."""
        return ProviderConfigurationError(f"The model in {self.path} cannot be used: {reason}.")


def open_folder(name: str, card_keys: Sequence[str]) -> ModelFolder:
    """Find the files of a model.

    Args:
        name: Path of the folder.
        card_keys: What the card may say.

    Raises:
        ProviderConfigurationError: It is no folder, has no graph, or its card says what is unknown.
    """
    path = Path(name).expanduser().absolute()
    if not path.is_dir():
        raise ProviderConfigurationError(f"There is no folder {path} with a model.")
    card = _read_object(path / CARD) if (path / CARD).is_file() else {}
    # A misspelt key would be ignored silently, and vectors made with the wrong settings.
    if unknown := sorted(card.keys() - set(card_keys)):
        known = ", ".join(card_keys)
        message = f"{path / CARD} has an unknown key `{unknown[0]}`; it may have {known}."
        raise ProviderConfigurationError(message)
    named = card.get("model")
    names = _NAMES if named is None else (str(named),)
    graph = next((path / each for each in names if (path / each).is_file()), None)
    if graph is None:
        message = (
            f"{path} has no {' or '.join(names)}; `model` in its {CARD} names a graph that is "
            "called otherwise."
        )
        raise ProviderConfigurationError(message)
    return ModelFolder(path, graph, card)


def _read_object(path: Path) -> dict[str, object]:
    try:
        value: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ProviderConfigurationError(f"{path} cannot be read: {error}.") from error
    if not isinstance(value, dict):
        raise ProviderConfigurationError(f"{path} is not a JSON object.")
    return cast(dict[str, object], value)
