"""Sources and grades of a turn, in the form that both of OpenAI's APIs show."""

from collections.abc import Sequence

from citewell.features.agents.schemas import AgentCitation
from citewell.features.openai_api.schemas import AnswerFacts, UrlCitation
from citewell.features.openai_api.service import TurnEnd
from citewell.features.search.schemas import CitationRead


def cited(end: TurnEnd, base_url: str) -> list[UrlCitation]:
    """The citations of an answer, each at its first mark.

    Args:
        end: The answer; what a model wrote from tools of the client has none.
        base_url: Address of this installation, without a slash at its end.
    """
    found: Sequence[CitationRead | AgentCitation] = ()
    text = ""
    if end.reply is not None:
        found, text = end.reply.citations, end.reply.answer
    elif end.run is not None and end.run.report is not None:
        found, text = end.run.report.citations, end.run.report.answer
    return [_url_citation(citation, text, base_url) for citation in found]


def facts(end: TurnEnd) -> AnswerFacts:
    """How an answer was made."""
    if (reply := end.reply) is not None:
        made = reply.metadata
        return AnswerFacts(
            grounded=True,
            query_id=reply.query_id,
            abstained=reply.abstained,
            confidence=reply.confidence,
            sentences=reply.sentences,
            model=made.model,
            prompt=made.prompt,
            cached=made.cached,
            timings_ms=made.timings_ms,
            degraded=made.degraded,
        )
    if end.run is not None and (report := end.run.report) is not None:
        return AnswerFacts(
            grounded=True,
            run_id=end.run.id,
            sentences=report.sentences,
            model=end.run.model,
            degraded=report.degraded,
        )
    return AnswerFacts(grounded=False)


def _url_citation(citation: CitationRead | AgentCitation, text: str, base_url: str) -> UrlCitation:
    mark = f"[{citation.number}]"
    # A citation whose mark is not in the text is that of the whole.
    at = text.find(mark)
    start, end = (at, at + len(mark)) if at >= 0 else (0, len(text))
    shown = citation.model_dump(exclude={"provision", "link"})
    return UrlCitation.model_validate(
        {**shown, "url": base_url + citation.link, "start_index": start, "end_index": end}
    )
