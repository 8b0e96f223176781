"""txtai, driven by JSON lines; runs in `.venv-peer-txtai` only.

The way its documentation shows first: an `Embeddings` index of the texts as they are, not cut, with
its default index. Weights as Citewell's, by `method: external`.
"""

from orders import serve
from txtai import Embeddings
from weights import given_weights


class TxtaiPeer:
    def __init__(self) -> None:
        self._weights = given_weights()

    def index(self, documents: list[dict[str, str]], folder: str) -> int:  # noqa: ARG002
        embed = self._weights.embed  # a bound method is not taken for a function
        self._embeddings = Embeddings(method="external", transform=lambda texts: embed(list(texts)))
        self._embeddings.index((each["id"], each["text"], None) for each in documents)
        return self._embeddings.count()

    def rank(self, query: str, count: int) -> list[str]:
        return [str(found) for found, _ in self._embeddings.search(query, count)]


if __name__ == "__main__":
    serve(TxtaiPeer())
