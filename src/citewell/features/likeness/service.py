"""Documents of nearly the same text, as far as the caller may read them.

They are looked for when somebody asks, with their own rights, not noted when a document is taken
in: so a document that is hidden, deleted or changed since is never named.
"""

import uuid
from collections import Counter

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.text.likeness import likenesses
from citewell.features.collections import service as collections
from citewell.features.documents import recognition
from citewell.features.documents import service as documents
from citewell.features.documents.errors import DocumentNotFoundError, VersionNotFoundError
from citewell.features.documents.schemas import OtherDocument
from citewell.features.likeness.schemas import LikeDocument, LikeDocuments
from citewell.features.search import service as search
from citewell.features.search.errors import EmptyQueryError
from citewell.kit.clock import Stopwatch

NEARLY_SAME = 0.8
"""Likeness from which a text is nearly the same: a page with ten changed words. Two contracts of
one form have about half in common."""

MOST_COMPARED_CHARS = 100_000
"""Beginning of a text that is compared, some 40 pages; of five texts in 0.1 s."""

PROBES = 3
"""Places of the text that are searched for: copies begin or end differently at times."""

PROBE_CHARS = 400
"""Length of a probe, about half a passage: of each two in a row one holds half of it or more."""

PROBE_HITS = 10
"""Passages looked at for each probe; more copies than that need not all be named."""

MOST_COMPARED = 5
"""Documents whose texts are compared, those with most of the probes."""


async def like_documents(
    platform: Platform, caller: Caller, document_id: uuid.UUID
) -> LikeDocuments:
    """The documents of the same content as a document, or nearly its text.

    Of its text there are none while it does not answer.

    Raises:
        DocumentNotFoundError: There is none, or not for this caller.
        ProviderConfigurationError, ProviderError: The embedder cannot be used.
        BusyError: Too much is computed at the moment.
    """
    async with unit_of_work(platform, caller) as ctx:
        state = await documents.get(ctx, document_id)
        others = (await recognition.others_of(ctx, [document_id])).get(document_id, [])
        like = [
            LikeDocument(**each.model_dump(), likeness=1.0)
            for each in others
            if each.same == "content"
        ]
        if state.active is None or not state.active.char_count:
            return LikeDocuments(document_id=document_id, resembles=like)
        text = (await documents.content(ctx, document_id, end=MOST_COMPARED_CHARS)).text
    known = {each.document_id for each in like}
    near = [each for each in await _near(platform, caller, document_id, text) if each not in known]
    compared: dict[uuid.UUID, OtherDocument] = {}
    texts: list[str] = []
    async with unit_of_work(platform, caller) as ctx:
        for other in near:
            try:
                found = await documents.get(ctx, other)
                content = await documents.content(ctx, other, end=MOST_COMPARED_CHARS)
            except (DocumentNotFoundError, VersionNotFoundError):
                continue  # deleted, or out of reach, since it was found
            held_in = found.document.collection_id
            compared[other] = OtherDocument(
                document_id=other,
                title=found.document.title,
                collection_id=held_in,
                collection=(await collections.names_of(ctx, [held_in])).get(held_in),
                same="text",
            )
            texts.append(content.text)
    shares = await platform.compute.run(caller.tenant_id, likenesses, text, texts) if texts else []
    like += [
        LikeDocument(**other.model_dump(), likeness=round(share, 2))
        for other, share in zip(compared.values(), shares, strict=True)
        if share >= NEARLY_SAME
    ]
    like.sort(key=lambda each: -each.likeness)
    return LikeDocuments(document_id=document_id, resembles=like[:MOST_COMPARED])


async def _near(
    platform: Platform, caller: Caller, document_id: uuid.UUID, text: str
) -> list[uuid.UUID]:
    """The documents with passages like those of a text."""
    count: Counter[uuid.UUID] = Counter()
    for probe in dict.fromkeys(_probes(text)):
        try:
            found = await search.find(
                platform, caller, probe, top_k=PROBE_HITS, filters={}, collection_ids=None,
                watch=Stopwatch(), reranks=False,
            )  # fmt: skip
        except EmptyQueryError:
            continue  # no words in it, as in rows of numbers
        count.update({hit.document_id for hit in found.hits} - {document_id})
    return [other for other, _ in count.most_common(MOST_COMPARED)]


def _probes(text: str) -> list[str]:
    """Stretches of the text from its beginning, middle and end."""
    room = max(0, len(text) - PROBE_CHARS)
    starts = [room * at // (PROBES - 1) for at in range(PROBES)]
    return [text[start : start + PROBE_CHARS].strip() for start in starts]
