"""Other questions for a question, written by a model: they bring up what its words do not.

Four techniques, each one request to the model, all at the same time: the question as documents
would put it, variations of it, its parts (decomposition), and a passage that might answer it, whose
vector is compared (HyDE: Gao et al. 2022). What fails or takes too long is done without.
"""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from citewell.engine.errors import ProviderConfigurationError, ProviderError
from citewell.engine.llm.base import LanguageModel, ModelRequest, TokenUsage, complete
from citewell.engine.llm.untrusted import harmless
from citewell.engine.parsing.cleaning import scrub
from citewell.engine.retrieval.base import Hit, OtherQuestion, Technique
from citewell.engine.retrieval.pipeline import Failure, Retrieved
from citewell.engine.retrieval.techniques import Rewriting

MOST_QUESTIONS = {"rewrite": 1, "variations": 3, "decomposition": 3, "hyde": 1}
"""Questions taken of a technique; each is a search of its own."""

MAX_CHARS = 1_000
"""Longest text taken: a hypothetical passage of some sentences."""

REPLY_TOKENS = 256

OTHER_SHARE = 0.9
"""The best hit of another question counts as this share of the best of the question itself, so that
a model never moves what answers the question as it was asked from the first place."""

# Models number their lines or begin them with a bullet, whatever they are told.
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")
_NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Questions a model wrote for a question, and the failures."""

    questions: tuple[OtherQuestion, ...] = ()
    failures: tuple[Failure, ...] = ()
    usage: TokenUsage = field(default_factory=TokenUsage)


async def rewrite(model: LanguageModel, question: str, rewriting: Rewriting) -> Rewritten:
    """Let the model write other questions; a failure leaves out what it concerns.

    Args:
        model: Asked once for each technique.
        question: As asked.
        rewriting: What to ask for.
    """
    each = [_written(model, question, name, rewriting) for name in rewriting.techniques]
    parts = await asyncio.gather(*each)
    usage = sum((part.usage for part in parts), TokenUsage())
    # Techniques agree at times; the same text is looked for once.
    known = {question.casefold()}
    questions: list[OtherQuestion] = []
    for other in (other for part in parts for other in part.questions):
        if other.text.casefold() not in known:
            known.add(other.text.casefold())
            questions.append(other)
    failures = tuple(failure for part in parts for failure in part.failures)
    return Rewritten(tuple(questions), failures, usage)


async def _written(
    model: LanguageModel, question: str, technique: Technique, rewriting: Rewriting
) -> Rewritten:
    seconds = rewriting.seconds
    request = ModelRequest.of(
        rewriting.prompt_of(technique), harmless(question), max_tokens=REPLY_TOKENS
    )
    try:
        async with asyncio.timeout(seconds):
            reply = await complete(model, request)
    except TimeoutError:
        return _failed(technique, f"{model.name} took more than {seconds:g} s.")
    except (ProviderError, ProviderConfigurationError) as error:
        return _failed(technique, str(error))
    lines = [reply.text] if technique == "hyde" else reply.text.splitlines()
    texts = [text for line in lines if (text := _clean(line)) and text != _NONE]
    taken = texts[: MOST_QUESTIONS[technique]]
    return Rewritten(tuple(OtherQuestion(technique, text) for text in taken), usage=reply.usage)


def _failed(technique: Technique, why: str) -> Rewritten:
    return Rewritten(failures=(Failure("rewriting", f"{technique}: {why}"),))


def _clean(text: str) -> str:
    return " ".join(_BULLET.sub("", scrub(text)).split())[:MAX_CHARS]


def merged(found: Retrieved, others: Iterable[Retrieved], written: Rewritten) -> Retrieved:
    """The hits of a question with those of the others, by their best score, best first.

    Scores of different questions are shares of different things: each list is scaled by its best.
    """
    best = max((hit.score for hit in found.hits.hits), default=0.0) or 1.0
    hits: dict[object, Hit] = {hit.chunk_id: hit for hit in found.hits.hits}
    for other in others:
        top = max((hit.score for hit in other.hits.hits), default=0.0)
        for hit in other.hits.hits if top else ():
            scaled = replace(hit, score=OTHER_SHARE * best * hit.score / top)
            known = hits.get(hit.chunk_id)
            if known is None:
                hits[hit.chunk_id] = scaled
            elif known.score < scaled.score:
                hits[hit.chunk_id] = replace(known, score=scaled.score)
    ranked = sorted(hits.values(), key=lambda hit: -hit.score)
    return replace(
        found,
        hits=replace(found.hits, hits=ranked),
        others=written.questions,
        failures=(*found.failures, *written.failures),
    )
