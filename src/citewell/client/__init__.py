"""A small client of the HTTP API, sync and async; it needs httpx alone and no part of the server.

from citewell.client import Citewell

with Citewell("http://127.0.0.1:8000", api_key="cw_...") as citewell:
    answer = citewell.ask("What is the hotel limit for a night in London?")
    print(answer.text, [citation.quote for citation in answer.citations])
"""

from citewell.client.asynchronous import AsyncCitewell
from citewell.client.replies import (
    AnswerCitation,
    AnswerConfidence,
    AnswerPiece,
    ApiError,
    CitedAnswer,
    FoundPassage,
    GradedSentence,
    LibraryCollection,
    LibraryDocument,
    UnreachableError,
)
from citewell.client.requests import Progress
from citewell.client.synchronous import Citewell

__all__ = [
    "AnswerCitation",
    "AnswerConfidence",
    "AnswerPiece",
    "ApiError",
    "AsyncCitewell",
    "CitedAnswer",
    "Citewell",
    "FoundPassage",
    "GradedSentence",
    "LibraryCollection",
    "LibraryDocument",
    "Progress",
    "UnreachableError",
]
