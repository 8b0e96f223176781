import subprocess
import sys

import pytest

from citewell.engine.embedding.registry import open_embedder
from citewell.engine.errors import ProviderConfigurationError
from tests.waiting import PATIENCE


class TestOpen:
    @pytest.mark.parametrize(
        "name", ["", "bundle", "fastembed", "fastembed:", "openai-compatible: ", "openai:x", ":m"]
    )
    async def test_unknown_name_lists_the_choices(self, name: str) -> None:
        with pytest.raises(ProviderConfigurationError, match="CITEWELL_EMBEDDING must be"):
            await open_embedder(name)

    def test_providers_are_imported_when_chosen(self) -> None:
        script = (
            "import asyncio, sys\n"
            "from citewell.engine.embedding.registry import open_embedder\n"
            "assert not {'onnxruntime', 'tokenizers', 'httpx'} & set(sys.modules)\n"
            "embedder = asyncio.run(open_embedder('bundled'))\n"
            "assert embedder.spec.dimensions == 384\n"
            "assert not {'fastembed', 'httpx', 'torch'} & set(sys.modules)\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True, timeout=PATIENCE)
