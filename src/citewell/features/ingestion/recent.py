"""Vectors of the passages that a document had last, so that equal ones cost nothing more."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from citewell.engine.embedding.base import Vector


class RecentVectors:
    """Vectors by content hash; the ones used longest ago are dropped.

    Equal passages that have more than `most` different ones between them are embedded again, so
    that a file of any size needs the same memory.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[bytes, Vector] = OrderedDict()

    def among(self, hashes: Iterable[bytes]) -> dict[bytes, Vector]:
        """The vectors of those hashes that are held."""
        return {key: self._held[key] for key in hashes if key in self._held}

    def keep(self, vectors: Mapping[bytes, Vector]) -> None:
        """Hold these vectors, as the ones used last."""
        for key, vector in vectors.items():
            if key not in self._held:
                # A copy: one row of a batch would hold the batch's whole array in memory.
                self._held[key] = vector.copy()
            self._held.move_to_end(key)
        while len(self._held) > self._most:
            self._held.popitem(last=False)
