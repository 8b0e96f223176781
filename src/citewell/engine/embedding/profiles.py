"""Known embedding models by name: their languages, length and prefixes.

From the models' own cards. A model that is not here is taken as multilingual, without prefixes,
and cut at 512 tokens, which nearly all of them take.
"""

import re
from dataclasses import dataclass
from typing import Final

_ENGLISH: Final = frozenset({"en"})


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """Limits of a model, and the marks it expects on questions and passages.

    A change here moves a model's vectors: libraries embedded before must be embedded again.
    """

    languages: frozenset[str] | None = None
    """ISO 639-1 codes it was trained for; None means multilingual, or not known."""
    max_tokens: int = 512
    query_prefix: str = ""
    passage_prefix: str = ""


# The prefixes are those of the models' own cards. A model used without its prefix answers as well,
# only worse, so nothing else would show that it is missing.
_BGE_QUERY = "Represent this sentence for searching relevant passages: "
_QWEN_QUERY = (
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
)

_FAMILIES: Final = tuple(
    (re.compile(pattern), profile)
    for pattern, profile in (
        (r"multilingual-e5-(small|base|large)$", ModelProfile(None, 512, "query: ", "passage: ")),
        (r"\be5-(small|base|large)(-v2)?$", ModelProfile(_ENGLISH, 512, "query: ", "passage: ")),
        (
            r"nomic-embed-text-v2",
            ModelProfile(None, 512, "search_query: ", "search_document: "),
        ),
        (
            r"nomic-embed-text",
            ModelProfile(_ENGLISH, 2048, "search_query: ", "search_document: "),
        ),
        (r"all-minilm", ModelProfile(_ENGLISH, 256)),
        (r"bge-(small|base|large)-en|mxbai-embed-large", ModelProfile(_ENGLISH, 512, _BGE_QUERY)),
        (r"bge-m3", ModelProfile(None, 8192)),
        (r"snowflake-arctic-embed(2|.*-v2)", ModelProfile(None, 8192, "query: ")),
        (r"snowflake-arctic-embed", ModelProfile(_ENGLISH, 512, _BGE_QUERY)),
        (r"\bgte-(small|base|large)$", ModelProfile(_ENGLISH, 512)),
        (r"text-embedding-(3|ada)", ModelProfile(None, 8191)),
        (r"qwen3-embedding", ModelProfile(None, 8192, _QWEN_QUERY)),
        (
            r"embeddinggemma",
            ModelProfile(None, 2048, "task: search result | query: ", "title: none | text: "),
        ),
    )
)


def profile_of(model: str) -> ModelProfile:
    """Get what is known of a model, by the name any hub or server gives it, tag included."""
    # Ollama writes `model:latest`, hubs `owner/model`.
    name = model.lower().rpartition("/")[2].partition(":")[0]
    for pattern, profile in _FAMILIES:
        if pattern.search(name):
            return profile
    return ModelProfile()
