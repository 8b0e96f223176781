"""Forty dialogues over the sample library, with a model that is scripted and one that is none.

The scripted model knows what each follow-up means (`samples/dialogues/standalone.json`) and quotes
the passages where they hold the answer; whether they do is what is measured.
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.llm.base import Timeouts
from citewell.entrypoints.commands.ingesting import ingest_paths
from citewell.features.conversations import asking, service
from citewell.features.conversations.schemas import ConversationCreate, ConversationQuery
from citewell.features.search.schemas import QueryReply
from tests.engine.llm.opening import opened
from tests.vendor import Received, Reply, VendorServer, running_vendor

SAMPLES = Path(__file__).parents[2] / "samples"
FOLDER = SAMPLES / "dialogues"
STANDALONE = json.loads((FOLDER / "standalone.json").read_text(encoding="utf-8"))
ALL = [
    json.loads(line)
    for name in ("held", "tuned")
    for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
]
WITH_A_MODEL = [each for each in ALL if each["id"] in STANDALONE]
SIMPLE = [each for each in ALL if each["kind"] == "simple" and "-held-" in each["id"]]

FOUND = 36
"""Of forty."""
WITHOUT = 15
"""Of the twenty simple ones that the rules were not fitted on."""

PASSAGE = re.compile(r'<passage number="(\d+)">\n(.+?)\n</passage>', re.DOTALL)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")

pytestmark = pytest.mark.slow


@pytest.fixture
async def vendor() -> AsyncIterator[VendorServer]:
    async with running_vendor() as server:
        yield server


def scripted(dialogue: dict[str, Any]) -> Any:
    """The model of one dialogue."""

    def reply(received: Received) -> Reply:
        system, user = (each["content"] for each in received.body["messages"])
        if "without the conversation" in system or "không cần cuộc trò chuyện" in system:
            return Reply([STANDALONE[dialogue["id"]]])
        for number, text in PASSAGE.findall(user):
            for said in SENTENCE_END.split(text.partition("\n")[2]):
                if any(re.search(gold, said) for gold in dialogue["gold"]):
                    return Reply([f'<quote passage="{number}">{said}</quote><say>{said}</say>'])
        return Reply(["I know nothing of it."])

    return reply


async def last_answer(platform: Platform, caller: Caller, dialogue: dict[str, Any]) -> QueryReply:
    """The answer to the last question of a dialogue."""
    async with unit_of_work(platform, caller) as ctx:
        talk = await service.create(ctx, ConversationCreate(title="Talk"))
    for question in (*dialogue["before"], dialogue["q"]):
        asked = ConversationQuery(query=question, conversation_id=talk.id)
        reply = await asking.answer(platform, caller, asked)
    return reply


def is_right(dialogue: dict[str, Any], reply: QueryReply) -> bool:
    return any(re.search(gold, reply.answer) for gold in dialogue["gold"])


@pytest.mark.usefixtures("worker")
async def test_follow_ups_find_what_they_should(
    platform: Platform, caller: Caller, vendor: VendorServer
) -> None:
    results = await ingest_paths(platform, caller, [SAMPLES / "library"])
    assert {result.status for result in results} == {"ready"}
    wrong = [
        f"{each['id']} without: {each['q']}\n  {reply.metadata.standalone}\n  {reply.answer}"
        for each in SIMPLE
        if not is_right(each, reply := await last_answer(platform, caller, each))
    ]
    model = opened("openai-compatible", vendor, Timeouts())
    with_model = replace(platform, llm=model)
    missed: list[str] = []
    for each in WITH_A_MODEL:
        vendor.answering = scripted(each)
        reply = await last_answer(with_model, caller, each)
        if not is_right(each, reply) or reply.metadata.standalone is None:
            missed.append(
                f"{each['id']} with: {each['q']}\n  {reply.metadata.standalone}\n  {reply.answer}"
            )
    await model.close()
    told = (
        f"{len(WITH_A_MODEL) - len(missed)} of {len(WITH_A_MODEL)} with a scripted model, "
        f"{len(SIMPLE) - len(wrong)} of {len(SIMPLE)} simple ones without"
    )
    print(told)  # noqa: T201 - the figure
    assert (len(WITH_A_MODEL), len(SIMPLE)) == (40, 20)
    assert len(missed) <= len(WITH_A_MODEL) - FOUND, "\n".join([told, *missed])
    assert len(wrong) <= len(SIMPLE) - WITHOUT, "\n".join([told, *wrong])
