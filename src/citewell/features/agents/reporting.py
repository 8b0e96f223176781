"""The answer of a run in its final form: graded, cited, and without what its user may not read."""

from collections import Counter
from dataclasses import asdict, replace
from typing import Any

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.agents.answer_schema import texts_in
from citewell.engine.agents.base import History, ToolOutput, Turn
from citewell.engine.agents.report import UNSUPPORTED_MARK, GradedReport, make_report
from citewell.engine.answering.base import Citation, Passage
from citewell.engine.chunking.legal_units import provision_at
from citewell.engine.llm.base import TokenUsage
from citewell.engine.text.language import detect_language
from citewell.engine.verification.grading import Grade
from citewell.features.agents.journal import documents_of
from citewell.features.agents.schemas import AgentCitation, AgentReport
from citewell.features.documents import service as documents
from citewell.features.search import service as search
from citewell.features.search.schemas import DegradedRead, SentenceRead, heading_text
from citewell.models.agents import AgentRun

CUT_OFF = "The model was cut off at its token limit; the answer ends early."


async def report_of(
    platform: Platform, caller: Caller, history: History, turn: Turn
) -> AgentReport:
    """The answer of a run's last reply.

    Passages of documents that the user may not read any more support nothing.
    """
    passages = await _readable(platform, caller, list(history.shelf.passages))
    text = turn.text if turn.output is None else "\n".join(texts_in(turn.output))
    verifier = await search.verifier_of(platform, caller)
    made = await make_report(text, passages, verifier, history.question)
    history.spent.usage += made.usage
    degraded = [DegradedRead.model_validate(asdict(each)) for each in made.degraded]
    if turn.is_truncated:
        degraded.append(DegradedRead(what="llm", why=CUT_OFF))
    return _report(made, turn.output, degraded)


def delegated(run: AgentRun) -> ToolOutput:
    """The result of a run for the agent that asked for it: the answer, its quotes as passages."""
    usage = TokenUsage(run.input_tokens, run.output_tokens)
    report = None if run.report is None else AgentReport.model_validate(run.report)
    return output_of_report(report, run.reason or "", usage, run.money)


def output_of_report(
    report: AgentReport | None, reason: str, usage: TokenUsage, money: float
) -> ToolOutput:
    """The same of a report, with what it cost; without one the reason."""
    if report is None:
        return ToolOutput(reason or "It failed.", is_error=True, usage=usage, money=money)
    lines = [
        f"{each.text} {UNSUPPORTED_MARK}" if each.grade is Grade.UNSUPPORTED else each.text
        for each in report.sentences
    ]
    passages = tuple(map(_passage, report.citations))
    return ToolOutput("\n".join(lines), passages, usage=usage, money=money)


def _passage(citation: AgentCitation) -> Passage:
    return Passage(
        chunk_id=str(citation.chunk_id or ""),
        document_id=str(citation.document_id),
        title=citation.title,
        version=citation.version,
        page=citation.page,
        heading=(citation.heading,) if citation.heading else (),
        start=citation.start,
        end=citation.end,
        text=citation.quote,
        score=citation.score,
        language=detect_language(citation.quote),
    )


async def _readable(platform: Platform, caller: Caller, passages: list[Passage]) -> list[Passage]:
    """The passages with the texts of those alone that the user may read now; numbers stay."""
    async with unit_of_work(platform, caller) as ctx:
        known = await documents.readable(ctx, documents_of(passages))
    ids = {str(each) for each in known}
    return [
        each if each.document_id in ids else replace(each, text="", context="", heading=())
        for each in passages
    ]


def _report(
    made: GradedReport, output: dict[str, Any] | None, degraded: list[DegradedRead]
) -> AgentReport:
    grades = Counter(
        each.assessment.grade.value for each in made.sentences if each.assessment is not None
    )
    return AgentReport(
        answer=made.text,
        output=output,
        sentences=[
            SentenceRead(
                text=each.text,
                citations=list(each.citations),
                grade=each.assessment.grade if each.assessment else None,
                unsupported_terms=(
                    list(each.assessment.unsupported_terms) if each.assessment else []
                ),
                verified_by=each.assessment.verified_by if each.assessment else None,
            )
            for each in made.sentences
        ],
        citations=[_citation(each) for each in made.citations],
        grades=dict(sorted(grades.items())),
        degraded=degraded,
    )


def _citation(citation: Citation) -> AgentCitation:
    passage = citation.passage
    provision = provision_at(
        passage.heading, passage.text, citation.start - passage.start, citation.end - passage.start
    )
    return AgentCitation.model_validate(
        {
            "number": citation.number,
            "chunk_id": passage.chunk_id or None,
            "document_id": passage.document_id,
            "title": passage.title,
            "version": passage.version,
            "page": passage.page,
            "heading": heading_text(provision.path if provision else passage.heading),
            "provision": provision.cited if provision else None,
            "start": citation.start,
            "end": citation.end,
            "quote": citation.quote,
            "score": round(citation.score, 4),
        }
    )
