import asyncio
import base64
import gc
import hashlib
import json
import shutil
import threading
import time
import weakref
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from citewell.engine.embedding.bundled import MODEL_FOLDER, BundledEmbedder
from citewell.engine.embedding.registry import open_embedder
from citewell.engine.embedding.testing import EmbedderContract
from citewell.engine.errors import ProviderConfigurationError, ProviderError
from tests.examples import examples
from tests.waiting import PATIENCE

HERE = Path(__file__).parent
PASSAGE = "The lessee pays the rent on the first working day of each month, without deductions. "


@pytest.fixture
async def embedder() -> AsyncIterator[BundledEmbedder]:
    made = BundledEmbedder(threads=2)
    yield made
    await made.close()


class TestContract(EmbedderContract):
    pass


class TestModelFiles:
    def test_files_are_those_of_the_provenance(self) -> None:
        facts = json.loads((MODEL_FOLDER / "PROVENANCE.json").read_text())
        for name, digest in facts["files_sha256"].items():
            assert hashlib.sha256((MODEL_FOLDER / name).read_bytes()).hexdigest() == digest
        assert facts["weights_sha256"].startswith("53aa5117")
        assert facts["weights_sha256"].endswith("8d9db")
        assert facts["licence"] == "Apache-2.0"
        assert "Apache License" in (MODEL_FOLDER / "LICENSE").read_text()

    def test_model_stays_small(self) -> None:
        assert (MODEL_FOLDER / "model.onnx").stat().st_size <= 24_000_000

    def test_tokenizer_neither_pads_nor_cuts(self) -> None:
        tokenizer = Tokenizer.from_file(str(MODEL_FOLDER / "tokenizer.json"))
        assert tokenizer.padding is None
        assert tokenizer.truncation is None


class TestReference:
    async def test_vectors_are_near_those_of_the_full_model(
        self, embedder: BundledEmbedder
    ) -> None:
        reference = json.loads((HERE / "reference_vectors.json").read_text("utf-8"))
        texts = list(reference["vectors"])
        assert texts == (HERE / "sentences.txt").read_text("utf-8").splitlines()
        exact = np.array(
            [
                np.frombuffer(base64.b64decode(vector), dtype=reference["dtype"])
                for vector in reference["vectors"].values()
            ],
            dtype=np.float32,
        )
        cosines = np.sum(exact * await embedder.embed_passages(texts), axis=1)
        assert cosines.mean() > 0.99
        assert cosines.min() > 0.98
        # Nearest neighbours survive: each small vector is nearest its own full one.
        questions = np.array([await embedder.embed_query(text) for text in texts])
        assert (np.argmax(questions @ exact.T, axis=1) == np.arange(len(texts))).all()


class TestEmbedPassages:
    async def test_vector_depends_on_the_text_alone(self, embedder: BundledEmbedder) -> None:
        texts = [PASSAGE * count for count in (1, 9, 2, 30, 4)]
        together = await embedder.embed_passages(texts)
        for text, vector in zip(texts, together, strict=True):
            assert np.array_equal(vector, await embedder.embed_query(text))

    async def test_loop_and_questions_go_on_meanwhile(self, embedder: BundledEmbedder) -> None:
        work = asyncio.ensure_future(embedder.embed_passages([PASSAGE * 12] * 60))
        await asyncio.sleep(0)
        answered = 0
        while not work.done():
            await embedder.embed_query("When is the rent due?")
            answered += 1
        assert answered >= 5
        assert (await work).shape == (60, 384)

    async def test_question_needs_no_thread_of_the_passages(
        self, embedder: BundledEmbedder
    ) -> None:
        released = threading.Event()
        for _ in range(2):
            embedder._running._passage_pool.submit(released.wait, PATIENCE)
        try:
            async with asyncio.timeout(PATIENCE / 2):
                await embedder.embed_query("When is the rent due?")
        finally:
            released.set()

    async def test_cancelled_call_frees_the_threads(self, embedder: BundledEmbedder) -> None:
        work = asyncio.ensure_future(embedder.embed_passages([PASSAGE * 12] * 2_000))
        await asyncio.sleep(0.05)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        begun = time.process_time()
        await embedder.embed_passages([PASSAGE])
        assert time.process_time() - begun < 5  # all of them take a minute

    async def test_failing_model_raises_a_provider_error(self, tmp_path: Path) -> None:
        # Ids outside the vocabulary make onnxruntime itself fail.
        folder = shutil.copytree(MODEL_FOLDER, tmp_path / "model")
        words = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        words["model"]["vocab"]["rent"] = 10_000_000
        (folder / "tokenizer.json").write_text(json.dumps(words), encoding="utf-8")
        facts = json.loads((folder / "PROVENANCE.json").read_text())
        digest = hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
        facts["files_sha256"]["tokenizer.json"] = digest
        (folder / "PROVENANCE.json").write_text(json.dumps(facts))
        embedder = BundledEmbedder(threads=1, folder=folder)
        with pytest.raises(ProviderError, match="bundled embedding model failed") as caught:
            await embedder.embed_passages([PASSAGE, PASSAGE])
        assert caught.value.retryable
        await embedder.close()

    @pytest.mark.parametrize("text", ["word " * 200_000, "漢" * 1_000_000, ". " * 500_000])
    async def test_huge_text_costs_little(self, embedder: BundledEmbedder, text: str) -> None:
        async def seconds(read: str) -> float:
            spent: list[float] = []
            for _ in range(3):
                begun = time.process_time()
                await embedder.embed_query(read)
                spent.append(time.process_time() - begun)
            return min(spent)

        # Ten times as much to tokenise would take ten times as long: 0.6 to 2.4 s for all of it.
        # Work of other threads of this process is counted too, hence the floor of the bound.
        assert await seconds(text) < 4 * max(await seconds(text[: len(text) // 10]), 0.04)
        vector = await embedder.embed_query(text)
        assert np.array_equal(vector, await embedder.embed_query(text[:3_000]))


class TestTokens:
    @pytest.fixture
    def tokenizer(self) -> Tokenizer:
        return Tokenizer.from_file(str(MODEL_FOLDER / "tokenizer.json"))

    @pytest.fixture
    def loaded(self) -> BundledEmbedder:
        return BundledEmbedder(threads=1, prefix=300)

    def test_cut_inside_the_last_kept_word_reads_on(
        self, loaded: BundledEmbedder, tokenizer: Tokenizer
    ) -> None:
        # A word of over 100 characters is one unknown token, its beginning would be many.
        text = "." * 230 + "qzxjvk" * 25
        expected = tokenizer.encode(text, add_special_tokens=False).ids
        assert len(expected) == 231
        assert loaded._token_ids(text) == [101, *expected, 102]

    @settings(
        max_examples=examples(100),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(
        pieces=st.lists(
            st.one_of(
                st.text(max_size=12),
                st.sampled_from(
                    ["word ", " ", "x" * 90, "x" * 101, "[MASK]", "[SEP", "漢字", "e\u0301", "\0"]
                ),
            ),
            min_size=1,
            max_size=30,
        ),
        repeats=st.integers(1, 80),
    )
    def test_any_text_is_cut_as_the_whole_would_be(
        self, loaded: BundledEmbedder, tokenizer: Tokenizer, pieces: list[str], repeats: int
    ) -> None:
        text = "".join(pieces) * repeats
        whole = text.encode("utf-8", "replace").decode()
        ids = tokenizer.encode(whole, add_special_tokens=False).ids
        assert loaded.count_tokens([text, text]) == [len(ids)] * 2
        expected = ids[:254]
        assert loaded._token_ids(text) == [101, *expected, 102]

    def test_count_is_the_tokenizers_without_special_tokens(self, loaded: BundledEmbedder) -> None:
        assert loaded.count_tokens(["", "leave", "annual leave policy", "\ud800", "\0"]) == [
            0,
            1,
            3,
            0,
            0,
        ]
        assert loaded.count_tokens(["leave " * 1_000]) == [1_000]


class TestOpen:
    @pytest.mark.parametrize("name", ["bundled", "bundled:all-MiniLM-L6-v2"])
    async def test_both_names_open_it(self, name: str) -> None:
        made = await open_embedder(name, threads=1)
        assert made.spec.name == "bundled:all-MiniLM-L6-v2"
        assert made.spec.dimensions == 384
        assert made.spec.max_tokens == 256
        assert made.spec.covers("en")
        assert not made.spec.covers("vi")
        await made.close()

    async def test_other_model_is_refused(self) -> None:
        with pytest.raises(ProviderConfigurationError, match="no embedding model named 'gpt'"):
            await open_embedder("bundled:gpt")

    @pytest.mark.parametrize("damage", ["cut", "gone", "no provenance"])
    def test_damaged_files_are_refused(self, damage: str, tmp_path: Path) -> None:
        folder = tmp_path / "model"
        shutil.copytree(MODEL_FOLDER, folder)
        if damage == "cut":
            (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:1_000])
        else:
            (folder / ("tokenizer.json" if damage == "gone" else "PROVENANCE.json")).unlink()
        with pytest.raises(ProviderConfigurationError, match=r"damaged .*install Citewell again"):
            BundledEmbedder(threads=1, folder=folder)


class TestClose:
    async def test_closed_model_is_freed_without_the_collector(self) -> None:
        made = BundledEmbedder(threads=1)
        await made.embed_query("rent")
        await made.close()
        left = weakref.ref(made)
        gc.disable()
        try:
            del made
            assert left() is None
        finally:
            gc.enable()
