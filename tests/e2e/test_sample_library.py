"""The twenty questions, asked of a freshly ingested sample library."""

import json
from pathlib import Path

import pytest

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.ingesting import ingest_paths
from citewell.features.documents import service as documents
from citewell.features.search import answers
from citewell.features.search.schemas import QueryReply, QueryRequest

SAMPLES = Path(__file__).parents[2] / "samples"
QUESTIONS = [json.loads(line) for line in (SAMPLES / "questions.jsonl").read_text().splitlines()]


@pytest.mark.usefixtures("worker")
class TestSampleLibrary:
    @pytest.mark.volume
    async def test_all_questions_find_their_answers(
        self, platform: Platform, caller: Caller
    ) -> None:
        results = await ingest_paths(platform, caller, [SAMPLES / "library"])
        assert {result.status for result in results} == {"ready"}
        names = {str(result.document_id): Path(result.path).name for result in results}
        wrong: list[str] = []
        for question in QUESTIONS:
            reply = await answers.answer(platform, caller, QueryRequest(query=question["question"]))
            await assert_quotes_are_exact(platform, caller, reply)
            problem = judge(question, reply, names)
            if problem is not None:
                wrong.append(f"{question['id']}: {problem}\n  {reply.answer}")
        assert not wrong, "\n".join(wrong)


def judge(question: dict, reply: QueryReply, names: dict[str, str]) -> str | None:
    """Names the fault of a reply, if it has one."""
    if not question["answerable"]:
        is_doubted = reply.abstained or reply.confidence.level == "low"
        return None if is_doubted else "answered with confidence what the documents do not hold"
    if reply.abstained:
        return "abstained"
    if not any(answer in reply.answer for answer in question["answers"]):
        return f"none of {question['answers']} is in the answer"
    sources = {question["document"], *question["also"]}
    right = [
        citation
        for citation in reply.citations
        if names[str(citation.document_id)] in sources
        and any(answer in citation.quote for answer in question["answers"])
    ]
    if not right:
        return "no citation quotes the answer from the right document"
    return None


async def assert_quotes_are_exact(platform: Platform, caller: Caller, reply: QueryReply) -> None:
    """Every quote is the stored text between its offsets."""
    async with unit_of_work(platform, caller) as ctx:
        for citation in reply.citations:
            content = await documents.content(
                ctx, citation.document_id, start=citation.start, end=citation.end
            )
            assert content.text == citation.quote
