"""Datasets, runs and comparisons over HTTP, and the gate as a process."""

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from citewell.access.policy import Role
from citewell.core.settings import Settings
from tests.conftest import Library
from tests.office import Office
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]

LEAVE = "# Leave\n\nEmployees get 25 days of annual leave."
PARKING = "# Parking\n\nVisitors park in bay 4 behind the mill."
QUESTION = "How many days of annual leave do employees get?"
WHERE = "Where do visitors park?"
FOREIGN = "What does a zeppelin mechanic earn on Jupiter?"
BASE = "/api/v1/evaluations"


async def sent(
    client: httpx.AsyncClient, method: str, path: str, status: int, body: object = None
) -> Any:
    reply = await client.request(method, f"{BASE}{path}", json=body)
    assert reply.status_code == status, reply.text
    return reply.json() if reply.content else None


async def new_dataset(client: httpx.AsyncClient, *cases: dict[str, object]) -> str:
    dataset = await sent(client, "POST", "/datasets", 201, {"name": f"set {uuid.uuid4()}"})
    for case in cases:
        await sent(client, "POST", f"/datasets/{dataset['id']}/cases", 201, case)
    return dataset["id"]


async def finished_run(client: httpx.AsyncClient, dataset_id: str) -> dict[str, Any]:
    begun = await sent(client, "POST", "/runs", 202, {"dataset_id": dataset_id})
    assert begun["figures"] is None
    deadline = time.monotonic() + PATIENCE
    while True:
        run = await sent(client, "GET", f"/runs/{begun['id']}", 200)
        if run["finished_at"]:
            return run
        assert time.monotonic() < deadline, run
        await asyncio.sleep(0.05)


async def ended(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while True:
        job = (await client.get(f"/api/v1/jobs/{job_id}")).json()
        if job["finished_at"]:
            return job
        assert time.monotonic() < deadline, job
        await asyncio.sleep(0.05)


class TestRuns:
    async def test_run_judges_every_case(self, office: Office) -> None:
        library, client = Library(office.service), office.service
        leave = await library.add("Leave", LEAVE)
        await library.add("Parking", PARKING)
        dataset_id = await new_dataset(
            client,
            {"question": QUESTION, "gold": ["25"], "document_ids": [leave["id"]]},
            {"question": WHERE, "all": ["bay 4"], "reference": "In bay 4 behind the mill."},
            {"question": FOREIGN, "abstain": True},
            {"question": f"Please: {QUESTION}", "gold": ["2"]},  # a word, not a part of one
            {"question": "?!", "gold": ["nothing"]},
        )
        run = await finished_run(client, dataset_id)
        figures = run["figures"]
        assert (figures["cases"], figures["failed"]) == (5, 1)
        verdicts = figures["verdicts"]
        assert (verdicts["questions"], verdicts["right"], verdicts["wrong"]) == (4, 3, 1)
        assert figures["ndcg_at_10"] == figures["recall_at_10"] == figures["mrr_at_10"] == 1
        assert figures["citation_precision"] == 1
        assert 0 < figures["f1_at_10"] <= 1
        assert figures["answer_in_citation"] > 0.6
        assert figures["similarity"] > 0.5
        assert figures["grades"] == {"quoted": 1.0}
        assert run["model"] == "extractive"
        assert run["embedding"].startswith("bundled:")
        results = (await sent(client, "GET", f"/runs/{run['id']}/results", 200))["data"]
        assert [each["verdict"] for each in results] == ["right", "right", "right", "wrong", None]
        assert "no word" in results[4]["error"]
        asked = (await client.get("/api/v1/queries")).json()
        assert asked["pagination"]["total"] == 0  # trials are not kept

    async def test_comparison_tells_what_became_worse(self, office: Office) -> None:
        library, client = Library(office.service), office.service
        leave = await library.add("Leave", LEAVE)
        dataset_id = await new_dataset(
            client,
            {"question": QUESTION, "gold": ["25 days"]},
            {"question": WHERE, "gold": ["bay 4"]},
        )
        before = await finished_run(client, dataset_id)
        await library.add("Parking", PARKING)
        changed = {"content": LEAVE.replace("25", "30")}
        await client.put(f"/api/v1/documents/{leave['id']}", json=changed)
        await library.settled(leave["id"])
        after = await finished_run(client, dataset_id)
        path = f"/runs/{before['id']}/compare/{after['id']}"
        compared = await sent(client, "GET", path, 200)
        assert (compared["better"], compared["worse"], compared["same"]) == (1, 1, 0)
        assert compared["regressions"] == ["wrong: 0.0000 before, 0.5000 after"]
        [worse] = [each for each in compared["changes"] if each["change"] == "worse"]
        assert "25" in worse["before"]["answer"]
        assert "30" in worse["after"]["answer"]
        assert (await sent(client, "GET", f"{path}?tolerance=0.5", 200))["is_worse"] is False
        backwards = f"/runs/{after['id']}/compare/{before['id']}"
        assert (await sent(client, "GET", backwards, 200))["is_worse"] is False

    async def test_cancelled_run_has_no_figures(self, office: Office, refused: Refused) -> None:
        client = office.service
        await Library(client).add("Leave", LEAVE)
        cases = [{"question": f"{QUESTION} {n}", "gold": ["25"]} for n in range(60)]
        dataset_id = await new_dataset(client, *cases)
        run = await sent(client, "POST", "/runs", 202, {"dataset_id": dataset_id})
        cancelled = await client.post(f"/api/v1/jobs/{run['job_id']}/cancel")
        assert cancelled.status_code == 200, cancelled.text
        assert (await ended(client, run["job_id"]))["status"] == "cancelled"
        assert (await sent(client, "GET", f"/runs/{run['id']}", 200))["figures"] is None
        reply = await client.get(f"{BASE}/runs/{run['id']}/compare/{run['id']}")
        refused(reply, 409, "run_unfinished")
        await sent(client, "DELETE", f"/datasets/{dataset_id}", 204)
        refused(await client.get(f"{BASE}/runs/{run['id']}"), 404, "run_not_found")

    async def test_words_of_a_deleted_document_go_from_results(self, office: Office) -> None:
        client = office.service
        leave = await Library(client).add("Leave", LEAVE)
        run = await finished_run(
            client, await new_dataset(client, {"question": QUESTION, "gold": ["25"]})
        )
        await client.delete(f"/api/v1/documents/{leave['id']}")
        gone = await client.delete(f"/api/v1/documents/trash/{leave['id']}")
        assert gone.status_code == 204
        [result] = (await sent(client, "GET", f"/runs/{run['id']}/results", 200))["data"]
        assert (result["verdict"], result["answer"]) == ("right", None)


class TestCases:
    async def test_case_is_made_from_a_stored_answer(
        self, office: Office, refused: Refused
    ) -> None:
        client = office.service
        leave = await Library(client).add("Leave", LEAVE)
        dataset_id = await new_dataset(client)
        path = f"/datasets/{dataset_id}/cases"
        given = (await client.post("/api/v1/query", json={"query": QUESTION})).json()
        case = await sent(client, "POST", path, 201, {"query_id": given["query_id"]})
        assert (case["question"], case["reference"]) == (QUESTION, given["answer"])
        assert case["document_ids"] == [leave["id"]]
        unknown = (await client.post("/api/v1/query", json={"query": FOREIGN})).json()
        case = await sent(client, "POST", path, 201, {"query_id": unknown["query_id"]})
        assert (case["abstain"], case["reference"]) == (True, None)
        bad = {"query_id": given["query_id"], "rating": 1, "comment": "It is 30."}
        assert (await client.post("/api/v1/feedback", json=bad)).status_code == 200
        reply = await client.post(f"{BASE}{path}", json={"query_id": given["query_id"]})
        refused(reply, 422, "invalid_case")  # what was rated badly is not what is right
        corrected = {"query_id": given["query_id"], "gold": ["30"]}
        case = await sent(client, "POST", path, 201, corrected)
        assert (case["question"], case["gold"], case["reference"]) == (QUESTION, ["30"], None)
        changed = await sent(client, "PATCH", f"{path}/{case['id']}", 200, {"gold": ["25"]})
        assert changed["gold"] == ["25"]
        await sent(client, "DELETE", f"{path}/{case['id']}", 204)
        assert (await sent(client, "GET", path, 200))["pagination"]["total"] == 2

    async def test_case_must_say_what_is_right(self, office: Office, refused: Refused) -> None:
        client = office.service
        path = f"{BASE}/datasets/{await new_dataset(client)}/cases"
        for body in (
            {"question": QUESTION},
            {"gold": ["25"]},
            {"question": QUESTION, "gold": ["25"], "abstain": True},
        ):
            refused(await client.post(path, json=body), 422, "invalid_case")
        foreign = {"question": QUESTION, "document_ids": [str(uuid.uuid4())]}
        refused(await client.post(path, json=foreign), 404, "document_not_found")


class TestAccess:
    async def test_only_readers_of_everything_evaluate(
        self, office: Office, stranger: httpx.AsyncClient, refused: Refused
    ) -> None:
        dataset_id = await new_dataset(office.service, {"question": QUESTION, "gold": ["25"]})
        director, manager = await office.person(Role.DIRECTOR), await office.person(Role.MANAGER)
        path = f"{BASE}/datasets/{dataset_id}"
        assert (await director.client.get(path)).json()["cases"] == 1
        refused(await manager.client.get(path), 403, "forbidden")
        refused(await stranger.get(path), 404, "dataset_not_found")
        run = {"dataset_id": dataset_id}
        refused(await stranger.post(f"{BASE}/runs", json=run), 404, "dataset_not_found")


class TestGate:
    @pytest.mark.processes
    async def test_gate_stops_what_makes_answers_worse(
        self, office: Office, settings: Settings, database_url: str
    ) -> None:
        library, client = Library(office.service), office.service
        leave = await library.add("Leave", LEAVE)
        dataset_id = await new_dataset(client, {"question": QUESTION, "gold": ["25"]})
        await sent(client, "PATCH", f"/datasets/{dataset_id}", 200, {"name": "gate"})

        async def gate() -> tuple[int, dict[str, Any]]:
            command = [sys.executable, "-m", "citewell.entrypoints.cli", "eval", "gate", "gate"]
            done = await asyncio.to_thread(
                subprocess.run, [*command, "--tenant", office.slug, "--json"],
                capture_output=True, text=True, timeout=PATIENCE, check=False,
                env={
                    "PATH": os.environ["PATH"], "CITEWELL_HOME": str(settings.home),
                    "CITEWELL_DATABASE_URL": database_url, "CITEWELL_THREADS": "1",
                },
            )  # fmt: skip
            assert done.stdout, done.stderr
            return done.returncode, json.loads(done.stdout)

        code, first = await gate()
        assert (code, first["figures"]["verdicts"]["right"]) == (0, 1)
        changed = {"content": LEAVE.replace("25", "30")}
        await client.put(f"/api/v1/documents/{leave['id']}", json=changed)
        await library.settled(leave["id"])
        code, second = await gate()
        assert (code, second["worse"], second["before"]["id"]) == (1, 1, first["id"])
