"""`citewell reindex` beside a server that answers."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.embedding_service import EmbeddingService
from tests.chaos.site import UNLIMITED
from tests.engine.onnx_files import token_vectors, write_model
from tests.entrypoints.conftest import Installation, Running
from tests.entrypoints.test_serving import address_of, key_of
from tests.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("logging_put_back")

MODEL = "openai-compatible:cheap"
SUBJECTS = ("harbour", "library", "orchard", "foundry", "theatre", "granary")


@pytest.fixture(scope="module")
def service() -> Iterator[EmbeddingService]:
    service = EmbeddingService()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def within_reach(installation: Installation, service: EmbeddingService) -> Installation:
    """An installation that is begun with the bundled model and can reach another."""
    variables = service.variables | UNLIMITED | {"CITEWELL_EMBEDDING": "bundled"}
    return Installation(installation.folder, variables)


@pytest.fixture(scope="module")
def server(within_reach: Installation) -> Iterator[Running]:
    running = within_reach.start("serve", "--port", "0")
    try:
        running.wait_for("Ask a question")
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module")
def client(server: Running, within_reach: Installation) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {key_of(within_reach)}"}
    url = f"{address_of(server)}/api/v1"
    with httpx.Client(base_url=url, headers=headers, timeout=PATIENCE) as client:
        for subject in SUBJECTS:
            body = {"title": subject, "content": f"The {subject} opens at nine on weekdays."}
            assert client.post("/documents", json=body).status_code == 202
        deadline = time.monotonic() + PATIENCE
        while client.get("/documents?status=ready").json()["pagination"]["total"] < len(SUBJECTS):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield client


def find(client: httpx.Client, subject: str) -> dict[str, Any]:
    body = {"query": f"when does the {subject} open", "top_k": 1, "explain": True}
    reply = client.post("/search", json=body)
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert found["degraded"] == []
    assert found["results"][0]["title"] == subject
    return found


class Asking:
    """Asks on and on in a thread."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._is_over = threading.Event()
        self.replies: list[dict[str, Any]] = []
        self.failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def has_changed(self) -> bool:
        """Whether the last round of questions was ranked by another model than the first."""
        first, last = self.replies[: len(SUBJECTS)], self.replies[-len(SUBJECTS) :]
        return {score_of(each) for each in first}.isdisjoint(score_of(each) for each in last)

    def _ask(self) -> None:
        try:
            while not self._is_over.is_set():
                for subject in SUBJECTS:
                    self.replies.append(find(self._client, subject))
                time.sleep(0.05)
        except BaseException as failure:  # noqa: BLE001 - shown by the test
            self.failures.append(failure)


class TestReindex:
    def test_killed_and_run_again_it_takes_over_while_people_search(
        self, within_reach: Installation, client: httpx.Client, service: EmbeddingService
    ) -> None:
        with Asking(client) as asking:
            with service.closed():
                killed = within_reach.start("reindex", "--embedding", MODEL)
                assert service.waiting.acquire(timeout=PATIENCE)
                killed.process.kill()
                killed.process.wait()
            [done] = within_reach.json("reindex", "--embedding", MODEL)["tenants"]
            # A process remembers for some seconds which generation is live.
            deadline = time.monotonic() + PATIENCE
            while not asking.failures and not asking.has_changed():
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert asking.failures == []
        assert (done["status"], done["embedding"]) == ("rebuilt", MODEL)
        assert (done["chunks"], done["kept"]) == (len(SUBJECTS), [])
        first, last = asking.replies[0], asking.replies[-len(SUBJECTS)]
        assert first["explain"]["dense_weight"] == 0.43
        assert last["explain"]["dense_weight"] == 0.1  # it tells no probe from another
        assert score_of(first) > 0.3

    def test_documents_that_come_later_are_embedded_with_it(
        self, client: httpx.Client, service: EmbeddingService
    ) -> None:
        before = service.embedded
        body = {"title": "quarry", "content": "The quarry opens at noon on Sundays."}
        made = client.post("/documents", json=body).json()["documents"][0]
        deadline = time.monotonic() + PATIENCE
        while client.get(f"/documents/{made['id']}").json()["status"] != "ready":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert service.embedded > before
        assert find(client, "quarry")["results"][0]["text"].startswith("The quarry")

    def test_nothing_to_do_is_said_and_doctor_finds_nothing(
        self,
        within_reach: Installation,
        client: httpx.Client,  # noqa: ARG002
    ) -> None:
        again = within_reach.json("reindex")
        assert again["tenants"] == [{"tenant": "default", "status": "unchanged"}]
        report = within_reach.json("doctor")
        assert [each for each in report["checks"] if each["problems"]] == []

    def test_model_of_a_folder_takes_over(
        self, within_reach: Installation, client: httpx.Client, tmp_path: Path
    ) -> None:
        folder = write_model(
            tmp_path / "small", token_vectors(), citewell={"pooling": "mean", "max_tokens": 256}
        )
        [tenant] = within_reach.json("reindex", "--embedding", f"onnx:{folder}")["tenants"]
        assert tenant["embedding"].startswith(f"onnx:{folder}#")
        assert find(client, "orchard")["results"][0]["explain"]["dense"]["score"] is not None

    def test_model_that_is_none_is_refused(self, within_reach: Installation) -> None:
        refused = within_reach.call("reindex", "--embedding", "no-such-model")
        assert refused.exit_code == 3
        assert "CITEWELL_EMBEDDING must be" in refused.stderr


def score_of(reply: dict[str, Any]) -> float:
    """Score of the best passage by the embedding model."""
    return reply["results"][0]["explain"]["dense"]["score"]
