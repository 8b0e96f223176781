"""Cases made from documents, and a model that writes and judges, over HTTP and over light parts."""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from citewell.core.context import OPERATOR, Caller, unit_of_work
from citewell.core.errors import InvalidInputError
from citewell.core.platform import Platform
from citewell.core.settings import Settings
from citewell.engine.errors import ProviderError
from citewell.engine.llm.testing import FakeLanguageModel, ScriptedReply
from citewell.features.evaluations import datasets, gating, generations
from citewell.features.evaluations.gating import RunLimits
from citewell.features.evaluations.schemas import (
    CaseCreate,
    CaseFilter,
    CaseWriter,
    DatasetCreate,
    GenerationCreate,
    RunComparison,
    RunRead,
)
from citewell.kit.pagination import PageRequest
from tests.conftest import Library, Servers, new_caller
from tests.features.evaluations.test_runs import finished_run, new_dataset, sent
from tests.office import Office
from tests.quiet import Shelf, quiet_database, quiet_platform
from tests.waiting import PATIENCE

Refused = Callable[[httpx.Response, int, str], None]

HANDBOOK = (
    "# Rules\n\nThe request window is a period of four weeks in November.\n\n"
    "The first 40 carts are delivered on 30 April 2026 by the supplier.\n"
)
ANSWER = "<quote passage=1>Visitors park in bay 4 behind the mill.</quote><say>In bay 4.</say>"
PARKING = "Visitors park in bay 4 behind the mill."


async def nothing(_done: int, _total: int) -> None:
    pass


async def generated(
    client: httpx.AsyncClient, dataset_id: str, wanted: dict[str, object]
) -> dict[str, Any]:
    path = f"/datasets/{dataset_id}/generations"
    begun = await sent(client, "POST", path, 202, wanted)
    deadline = time.monotonic() + PATIENCE
    while True:
        made = await sent(client, "GET", f"{path}/{begun['id']}", 200)
        if made["finished_at"]:
            return made
        assert time.monotonic() < deadline, made
        await asyncio.sleep(0.05)


class TestByRule:
    async def test_cases_wait_for_a_review_and_go_with_their_document(
        self, office: Office, refused: Refused
    ) -> None:
        client = office.service
        document = await Library(client).add("Mill Handbook", HANDBOOK)
        dataset_id = await new_dataset(client)
        path = f"/datasets/{dataset_id}"
        made = await generated(client, dataset_id, {"limit": 3})
        assert (made["writer"], made["made"], made["rejected"]) == ("rules", 3, 0)
        listed = await sent(client, "GET", f"{path}/cases?is_reviewed=false&origin=generated", 200)
        cases = {case["kind"]: case for case in listed["data"]}
        assert set(cases) == {"definition", "date", "heading"}
        case = cases["date"]
        assert (case["origin"], case["written_by"], case["gold"]) == (
            "generated", "rules", ["30 April 2026"],
        )  # fmt: skip
        passage = case["passage"]
        stretch = f"?start={passage['start']}&end={passage['end']}"
        content = f"/api/v1/documents/{passage['document_id']}/content{stretch}"
        assert "30 April 2026" in (await client.get(content)).json()["text"]
        reply = await client.post("/api/v1/evaluations/runs", json={"dataset_id": dataset_id})
        refused(reply, 422, "invalid_input")
        await sent(client, "PATCH", f"{path}/cases/{case['id']}", 200, {"is_reviewed": True})
        run = await finished_run(client, dataset_id)
        figures = run["figures"]
        assert (figures["cases"], figures["verdicts"]["right"]) == (1, 1)
        assert (figures["cost_usd"], figures["judged"]) == (0, None)
        made = await generated(client, dataset_id, {"limit": 3})
        assert made["made"] == 0  # they are there already
        await client.delete(f"/api/v1/documents/{document['id']}")
        await client.delete(f"/api/v1/documents/trash/{document['id']}")
        assert (await sent(client, "GET", path, 200))["cases"] == 0
        [result] = (await sent(client, "GET", f"/runs/{run['id']}/results", 200))["data"]
        assert (result["question"], result["answer"]) == ("", None)

    async def test_model_is_refused_where_none_is_set(
        self, office: Office, refused: Refused
    ) -> None:
        await Library(office.service).add("Mill Handbook", HANDBOOK)
        dataset_id = await new_dataset(office.service, {"question": "Where?", "gold": ["4"]})
        base = "/api/v1/evaluations"
        reply = await office.service.post(
            f"{base}/datasets/{dataset_id}/generations", json={"writer": "model"}
        )
        refused(reply, 422, "invalid_input")
        judged = {"dataset_id": dataset_id, "judge": "model"}
        refused(await office.service.post(f"{base}/runs", json=judged), 422, "invalid_input")


@pytest.fixture(scope="module")
def database(servers: Servers, template: str) -> Iterator[str]:
    with quiet_database(servers, template) as url:
        yield url


async def run_with(
    settings: Settings, database: str, folder: Path, model: FakeLanguageModel
) -> RunRead:
    """The run of one case over one document, written and judged by a model."""
    async with quiet_platform(settings, database) as quiet:
        platform = dataclasses.replace(quiet, llm=model)
        caller = await new_caller(platform)
        await Shelf(platform, caller, folder).add("parking.txt", PARKING)
        return await judged_run(platform, Caller(caller.tenant_id, OPERATOR))


async def judged_run(platform: Platform, caller: Caller) -> RunRead:
    async with unit_of_work(platform, caller) as ctx:
        made = await datasets.create(ctx, DatasetCreate(name="parking"))
        case = CaseCreate(question="Where do visitors park?", gold=["bay 5"])
        await datasets.add_case(ctx, made.id, case)
    limits = RunLimits(has_judge=True)
    return await gating.run_now(platform, caller, "parking", limits, nothing)


class TestModel:
    async def test_its_verdict_stands_beside_that_of_the_rules(
        self, settings: Settings, database: str, tmp_path: Path
    ) -> None:
        model = FakeLanguageModel([ANSWER, "verdict: right"], name="openai:gpt-4o-mini")
        run = await run_with(settings, database, tmp_path, model)
        assert run.judge == "openai:gpt-4o-mini"
        assert run.figures is not None
        assert run.figures.verdicts.wrong == 1
        judged = run.figures.judged
        assert judged is not None
        assert (judged.judge, judged.verdicts.right, judged.failed) == (run.judge, 1, 0)
        assert judged.agreement == 0
        assert judged.input_tokens > 0
        assert run.figures.cost_usd is not None
        assert run.figures.cost_usd > 0
        assert judged.cost_usd is not None
        assert judged.cost_usd > 0
        assert "<right>It says one of: bay 5.</right>" in str(model.calls[1].messages)

    async def test_judge_that_fails_is_counted_and_prices_may_be_unknown(
        self, settings: Settings, database: str, tmp_path: Path
    ) -> None:
        broken = ScriptedReply(error=ProviderError("The model is away."))
        model = FakeLanguageModel([ANSWER, broken])
        run = await run_with(settings, database, tmp_path, model)
        assert run.figures is not None
        assert run.figures.verdicts.questions == 1
        assert run.figures.cost_usd is None
        assert run.figures.judged is not None
        assert (run.figures.judged.failed, run.figures.judged.verdicts.questions) == (1, 0)

    async def test_it_writes_only_what_a_passage_proves(
        self, settings: Settings, database: str, tmp_path: Path
    ) -> None:
        said = (
            "<case><question>Where may guests leave the car?</question><answer>bay 4</answer>"
            f"<quote>{PARKING}</quote></case>"
            "<case><question>Is it free?</question><answer>yes</answer>"
            "<quote>Parking is free.</quote></case>"
        )
        async with quiet_platform(settings, database) as quiet:
            platform = dataclasses.replace(quiet, llm=FakeLanguageModel([said]))
            caller = await new_caller(platform)
            added = await Shelf(platform, caller, tmp_path).add("parking.txt", PARKING)
            async with unit_of_work(platform, caller) as ctx:
                made = await datasets.create(ctx, DatasetCreate(name="parking"))
                wanted = GenerationCreate(writer=CaseWriter.MODEL)
                begun = await generations.begin(ctx, made.id, wanted, in_background=False)
            await generations.perform(platform, caller.tenant_id, made.id, begun.id, nothing)
            async with unit_of_work(platform, caller) as ctx:
                done = await generations.get(ctx, made.id, begun.id)
                found = await datasets.cases(ctx, made.id, CaseFilter(), PageRequest(1, 10))
            assert (done.writer, done.made, done.rejected) == ("fake:scripted", 1, 1)
            [case] = found.items
            assert (case.gold, case.is_reviewed, case.document_ids) == (
                ["bay 4"], False, [added.document_id],
            )  # fmt: skip
            without = dataclasses.replace(platform, llm=None)
            with pytest.raises(InvalidInputError, match="not set any more"):
                await generations.perform(without, caller.tenant_id, made.id, begun.id, nothing)


class TestGate:
    async def test_trying_again_opens_no_gate(
        self, settings: Settings, database: str, tmp_path: Path
    ) -> None:
        async with quiet_platform(settings, database) as platform:
            caller = await new_caller(platform)
            shelf = Shelf(platform, caller, tmp_path)
            await shelf.add("parking.txt", PARKING)
            async with unit_of_work(platform, caller) as ctx:
                made = await datasets.create(ctx, DatasetCreate(name="parking"))
                case = CaseCreate(question="Where do visitors park?", gold=["bay 4"])
                await datasets.add_case(ctx, made.id, case)

            async def gate(*, accepts_worse: bool = False) -> RunRead | RunComparison:
                limits = RunLimits(accepts_worse=accepts_worse)
                return await gating.run_gate(platform, caller, "Parking", None, limits, nothing)

            first = await gate()
            assert isinstance(first, RunRead)
            await shelf.add("parking.txt", PARKING.replace("4", "5"))
            worse, again = await gate(), await gate(accepts_worse=True)
            assert isinstance(worse, RunComparison)
            assert isinstance(again, RunComparison)
            assert worse.before.id == again.before.id == first.id
            assert (worse.is_worse, again.is_worse) == (True, True)
            assert (worse.after.is_rejected, again.after.is_rejected) == (True, False)
            last = await gate()
            assert isinstance(last, RunComparison)
            assert (last.before.id, last.is_worse) == (again.after.id, False)
