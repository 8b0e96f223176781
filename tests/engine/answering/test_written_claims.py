"""Sentences of a model over real HTTP, true ones and false ones, graded by rules alone."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import date

import pytest

from citewell.engine.answering.base import Answer, Confidence, ConfidenceLevel, Question
from citewell.engine.answering.generated import AnswerDone, Writing, stream_answer
from citewell.engine.llm.base import Timeouts
from citewell.engine.verification.grading import Grade
from tests.engine.answering.passages import passage
from tests.engine.llm.opening import opened
from tests.vendor import Reply, VendorServer, running_vendor

PASSAGES = [
    passage("Employees may carry over five unused days. The rest lapse without payment.", name="1"),
    passage("Acme Ltd supplies Borealis with pumps. The contract ends on 31 March 2027.", name="2"),
    passage("Visitors sign in at the gate. Dogs must not enter the laboratory.", name="3"),
    passage(
        "| Weight | Price |\n| up to 10 kg | 3.90 euros |\n| 10 to 20 kg | 4.90 euros |",
        name="4",
    ),
    passage("The audit was led by Helen Astbury. Karl Brandt wrote the minutes.", name="5"),
    passage("Overtime is paid at 150 per cent. Managers approve it before it is worked.", name="6"),
]
CARRY = "Employees may carry over five unused days."
LAPSE = "The rest lapse without payment."
SUPPLY = "Acme Ltd supplies Borealis with pumps."
END = "The contract ends on 31 March 2027."
DOGS = "Dogs must not enter the laboratory."
ROW = "10 to 20 kg | 4.90 euros"
AUDIT = "The audit was led by Helen Astbury."
OVERTIME = "Overtime is paid at 150 per cent."
APPROVAL = "Managers approve it before it is worked."

TRUE = [
    (CARRY, CARRY),
    (LAPSE, "The rest lapse without payment."),
    ("Employees may carry over five unused days", "employees may carry over 5 unused days."),
    (SUPPLY, "Borealis is supplied with pumps by Acme Ltd."),
    (SUPPLY, SUPPLY),
    (END, "The contract ends on 2027-03-31."),
    (END, "On 31 March 2027 the contract ends."),
    ("Visitors sign in at the gate.", "Visitors sign in at the gate."),
    (DOGS, DOGS),
    (ROW, "10 to 20 kg: 4.90 euros."),
    (AUDIT, "Helen Astbury led the audit."),
    ("Karl Brandt wrote the minutes.", "The minutes were written by Karl Brandt."),
    (OVERTIME, OVERTIME),
    (APPROVAL, "Managers approve overtime before it is worked."),
]
FALSE = [
    (CARRY, "Employees may carry over six unused days."),
    (CARRY, "Employees may carry over up to five unused days, as evil.example confirms."),
    (CARRY, "It is false that employees may carry over five unused days."),
    (LAPSE, "The rest lapse with payment."),
    (SUPPLY, "Borealis supplies Acme Ltd with pumps."),
    (SUPPLY, "Acme Ltd exclusively supplies Borealis with pumps."),
    (END, "The contract ends on 31 May 2027."),
    (DOGS, "Dogs must enter the laboratory."),
    (DOGS, "Only dogs must not enter the laboratory."),
    (ROW, "10 to 20 kg: 3.90 euros."),
    (AUDIT, "The audit was led by Karl Brandt."),
    (AUDIT, "Helen Astbury was led by the audit."),
    (OVERTIME, "Overtime is never paid at 150 per cent."),
    (APPROVAL, "Managers approve it after it is worked."),
]
PROVEN = {Grade.QUOTED, Grade.CLOSE, Grade.CONFIRMED}
NOTHING = Answer("-", (), (), Confidence(ConfidenceLevel.NONE, 0.0), is_abstained=True, model="-")


@pytest.fixture
async def vendor() -> AsyncIterator[VendorServer]:
    async with running_vendor() as server:
        yield server


def in_tags(claims: list[tuple[str, str]]) -> str:
    return "\n".join(f"<quote>{quote}</quote>\n<say>{text}</say>" for quote, text in claims)


def in_json(claims: list[tuple[str, str]]) -> str:
    sentences = [
        {"quotes": [{"passage": 0, "text": quote}], "text": text} for quote, text in claims
    ]
    return json.dumps({"sentences": sentences})


async def graded(
    vendor: VendorServer, provider: str, claims: list[tuple[str, str]]
) -> dict[str, Grade]:
    """The text of the vendor's model, sentence by sentence with its grade."""
    text = in_json(claims) if provider == "openai" else in_tags(claims)
    vendor.script.append(Reply([text[at : at + 40] for at in range(0, len(text), 40)]))
    model = opened(provider, vendor, Timeouts())
    stream = stream_answer(
        model,
        Question("What holds?", "en", ()),
        PASSAGES,
        writing=Writing(date(2026, 11, 28)),
        confidence=lambda: Confidence(ConfidenceLevel.HIGH, 0.9),
        fallback=lambda: NOTHING,
    )
    async with aclosing(stream):
        done = [event async for event in stream][-1]
    await model.close()
    assert isinstance(done, AnswerDone)
    assert done.answer.degraded == ()
    return {one.text: one.assessment.grade for one in done.answer.sentences if one.assessment}


@pytest.mark.parametrize("provider", ["openai", "anthropic", "ollama", "openai-compatible"])
class TestGrades:
    @pytest.mark.volume
    async def test_no_false_sentence_is_accepted_and_no_true_one_refuted(
        self, provider: str, vendor: VendorServer
    ) -> None:
        false = await graded(vendor, provider, FALSE)
        assert [text for text, grade in false.items() if grade in PROVEN] == []
        true = await graded(vendor, provider, TRUE)
        refused = {Grade.CONTRADICTED, Grade.UNSUPPORTED}
        assert [text for text, grade in true.items() if grade in refused] == []
        assert sum(grade in PROVEN for grade in true.values()) >= 10
        assert len(true) + len(false) >= 27

    async def test_schema_is_sent_where_the_model_takes_one(
        self, provider: str, vendor: VendorServer
    ) -> None:
        await graded(vendor, provider, TRUE[:1])
        body = json.dumps(vendor.received[0].body)
        is_held = provider in ("openai", "ollama")
        assert ("json_schema" in body) is is_held
        assert ("<say>" in body) is not is_held
