"""`search` and `ask`."""

import uuid
from typing import Annotated

import typer
from rich.markup import escape

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.engine.verification.grading import Grade
from citewell.entrypoints.commands.running import (
    USAGE,
    AsOption,
    JsonOption,
    TenantOption,
    checked,
    out,
    print_json,
    readable,
    run,
    stop,
)
from citewell.entrypoints.commands.values import parse_value
from citewell.features.collections import service as collections
from citewell.features.conversations import asking
from citewell.features.conversations import service as conversations
from citewell.features.conversations.schemas import ConversationCreate, ConversationQuery
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.features.search import service
from citewell.features.search.schemas import (
    MAX_NEIGHBOURS,
    MAX_QUERY_CHARS,
    MAX_TOP_K,
    CitationRead,
    QueryReply,
    SearchHit,
    SearchReply,
    SearchRequest,
    SentenceRead,
)

NEW = "new"
"""In the place of a conversation's id: begin one."""

_SHOWN = 80
"""Characters of a doubtful sentence that are repeated, enough to find it in the answer above."""

CollectionOption = Annotated[
    str | None, typer.Option(help="Only this collection.", callback=readable)
]

AsOfOption = Annotated[
    str | None,
    typer.Option(help="Search as of this time, 2026-03-01T09:00:00+01:00.", metavar="TIME"),
]

FoldOption = Annotated[
    bool,
    typer.Option("--fold/--no-fold", help="Leave out passages that repeat a better one."),
]
DiversityOption = Annotated[
    float, typer.Option(min=0, max=1, help="Weight of being unlike the passages before.")
]
NeighboursOption = Annotated[
    int,
    typer.Option(min=0, max=MAX_NEIGHBOURS, help="Passages before and after each one found."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(search)
    app.command()(ask)


def search(
    query: Annotated[str, typer.Argument(help="Words or a question.")],
    collection: CollectionOption = None,
    top_k: Annotated[int, typer.Option(min=1, max=MAX_TOP_K, help="Passages to show.")] = 5,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="KEY=VALUE on metadata or a field.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each leg's ranks and scores.")
    ] = False,
    fold: FoldOption = True,
    diversity: DiversityOption = 0.0,
    neighbours: NeighboursOption = 0,
    as_of: AsOfOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find passages."""
    _check_length(query)
    wanted = dict(parse_value(item) for item in filters or [])
    request = checked(
        SearchRequest,
        query=query,
        top_k=top_k,
        filters=wanted,
        explain=explain,
        fold=fold,
        diversity=diversity,
        neighbours=neighbours,
        as_of=as_of,
    )

    async def act(platform: Platform, caller: Caller) -> SearchReply:
        ids = await _collection_ids(platform, caller, collection)
        return await service.search(
            platform, caller, request.model_copy(update={"collection_ids": ids})
        )

    reply = run(act, tenant=tenant, as_user=as_user)
    if as_json:
        exclude = None if explain else {"explain": True, "results": {"__all__": {"explain"}}}
        print_json(reply.model_dump(mode="json", exclude=exclude))
        return
    for number, hit in enumerate(reply.results, 1):
        _print_hit(number, hit)
    if not reply.results:
        out.print("Nothing found.")
    if explain and reply.explain is not None:
        out.print_json(reply.explain.model_dump_json())
    for item in reply.degraded:
        out.print(f"Searched without {item.what}: {item.why}", style="yellow", markup=False)


def ask(
    question: Annotated[str, typer.Argument(help="The question.")],
    collection: CollectionOption = None,
    llm: Annotated[
        str | None, typer.Option(help="`none`: extract the answer, even if a model is set.")
    ] = None,
    fold: FoldOption = False,
    diversity: DiversityOption = 0.0,
    neighbours: NeighboursOption = 0,
    as_of: AsOfOption = None,
    conversation: Annotated[
        str | None,
        typer.Option(help="Go on with this conversation; `new` begins one.", metavar="ID"),
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the documents, every sentence cited."""
    _check_length(question)
    known = None if conversation == NEW else conversation
    request = checked(
        ConversationQuery,
        query=question,
        fold=fold,
        diversity=diversity,
        neighbours=neighbours,
        as_of=as_of,
        conversation_id=known,
    )

    async def act(platform: Platform, caller: Caller) -> QueryReply:
        ids = await _collection_ids(platform, caller, collection)
        changes: dict[str, object] = {"collection_ids": ids}
        if conversation == NEW:
            async with unit_of_work(platform, caller) as ctx:
                begun = await conversations.create(ctx, ConversationCreate())
            changes["conversation_id"] = begun.id
        return await asking.answer(platform, caller, request.model_copy(update=changes))

    reply = run(act, tenant=tenant, as_user=as_user, llm=llm)
    if as_json:
        print_json(_ask_json(reply))
        return
    if reply.metadata.standalone:
        out.print(f"Answered as: {escape(reply.metadata.standalone)}", style="dim")
    out.print(escape(reply.answer))
    out.print(f"Confidence: {reply.confidence.level} ({reply.confidence.score:.2f})", style="dim")
    for reason in reply.confidence.reasons:
        out.print(f"  {escape(reason)}", style="dim")
    for sentence in reply.sentences:
        if (note := _doubt(sentence)) is not None:
            out.print(escape(note), style="yellow")
    for citation in reply.citations:
        out.print(escape(f"[{citation.number}] {_place(citation)}"), style="cyan")
        out.print(escape(f"    “{citation.quote}”"), style="dim")
    if reply.conversation_id is not None:
        out.print(f"Conversation {reply.conversation_id}", style="dim")
    for item in reply.metadata.degraded:
        out.print(f"Answered without {item.what}: {item.why}", style="yellow", markup=False)


def _doubt(sentence: SentenceRead) -> str | None:
    """A warning about a sentence that its quotes do not prove; None if they do."""
    if sentence.grade not in (Grade.REWORDED, Grade.CONTRADICTED, Grade.UNSUPPORTED):
        return None
    shown = sentence.text if len(sentence.text) <= _SHOWN else f"{sentence.text[:_SHOWN]}…"
    words = ", ".join(sentence.unsupported_terms)
    return f"{sentence.grade}: “{shown}”" + (f" — no quote holds: {words}" if words else "")


def _ask_json(reply: QueryReply) -> dict[str, object]:
    document = reply.model_dump(mode="json")
    return {
        "question": reply.query,
        **{
            key: document[key]
            for key in ("answer", "abstained", "confidence", "sentences", "citations")
        },
        "standalone": reply.metadata.standalone,
        **{key: document[key] for key in ("conversation_id", "message_id")},
        "model": reply.metadata.model,
        "degraded": document["metadata"]["degraded"],
        "timings_ms": reply.metadata.timings_ms,
    }


def _print_hit(number: int, hit: SearchHit) -> None:
    out.print(f"[bold]{number}. {escape(_place(hit))}[/bold]  [dim]{hit.score:.3f}[/dim]")
    for each in hit.before:
        out.print(escape(each.text), style="dim")
    out.print(escape(hit.text))
    for each in hit.after:
        out.print(escape(each.text), style="dim")
    if hit.folded:
        titles = ", ".join(dict.fromkeys(each.title for each in hit.folded))
        documents = len({each.document_id for each in hit.folded})
        places = f"{documents} other {'document' if documents == 1 else 'documents'}"
        out.print(f"Also in {places}: {escape(titles)}", style="dim")
    if hit.explain is not None:
        dense, lexical = hit.explain.dense, hit.explain.lexical
        out.print(
            f"dense: rank {dense.rank or '-'}, cosine {dense.score or 0:.3f}; "
            f"lexical: rank {lexical.rank or '-'}, BM25 {lexical.score or 0:.2f}",
            style="dim",
        )
    out.print()


def _place(item: CitationRead | SearchHit) -> str:
    parts = [f"{item.title} (version {item.version})"]
    if item.sheet is not None:
        parts.append(f"sheet '{item.sheet}'")
    elif item.page is not None:
        is_range = item.page_end is not None and item.page_end > item.page
        parts.append(f"pages {item.page}-{item.page_end}" if is_range else f"page {item.page}")
    provision = item.provision if isinstance(item, CitationRead) else None
    heading = provision or item.heading
    # A sheet's name heads its passages, and is said already.
    if heading and heading != item.sheet:
        parts.append(heading)
    return ", ".join(parts)


async def _collection_ids(
    platform: Platform, caller: Caller, name: str | None
) -> list[uuid.UUID] | None:
    if name is None:
        return None
    async with unit_of_work(platform, caller) as ctx:
        return [(await collections.find(ctx, name)).id]


def _check_length(query: str) -> None:
    if not query.strip() or len(query) > MAX_QUERY_CHARS:
        stop(f"A question has 1 to {MAX_QUERY_CHARS:,} characters.", USAGE)
