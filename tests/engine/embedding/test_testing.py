import pytest

from citewell.engine.embedding.testing import EmbedderContract, HashEmbedder


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder()


class TestContract(EmbedderContract):
    pass
