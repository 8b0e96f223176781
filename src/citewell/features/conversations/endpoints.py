"""Routes of questions and of conversations."""

import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, File, Header, Query, UploadFile
from fastapi.responses import Response, StreamingResponse

from citewell.core.closing import Closing
from citewell.core.context import unit_of_work
from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.features.conversations import asking, exporting, files, service, streams
from citewell.features.conversations.running import Runs
from citewell.features.conversations.schemas import (
    ConversationCreate,
    ConversationFilter,
    ConversationQuery,
    ConversationRead,
    ConversationUpdate,
    ExportForm,
    FileRead,
    FirstQuestions,
    MessageRead,
    NumberedEvent,
    Whose,
)
from citewell.features.documents.names import UPLOADED, checked_filename
from citewell.features.documents.schemas import AcceptedDocuments, ContentRead, NewFile
from citewell.features.http import (
    ATTACHES_FILES,
    LIBRARY,
    PRIVATE,
    QUERY,
    HeadDep,
    KeyDep,
    Listing,
    PageDep,
    PlatformDep,
    ReaderDep,
    Router,
    WriterDep,
    governed,
    head_alone,
    known_fields,
    listing,
)
from citewell.features.search import answers
from citewell.features.search.schemas import (
    CitationRead,
    QueryReply,
    StreamedError,
    StreamedStep,
    StreamedToken,
    StreamedUsage,
)
from citewell.kit.sse import encode_event, encode_json

router = Router(policy=PRIVATE, tags=["conversations"])

EVENTS = "text/event-stream"
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""nginx would hold events back until its buffer is full."""

MEDIA = {
    ExportForm.MARKDOWN: ("text/markdown; charset=utf-8", "md"),
    ExportForm.JSON: ("application/json", "json"),
    ExportForm.PDF: ("application/pdf", "pdf"),
}
"""Media type and ending of an exported conversation."""

MAX_EVENT_ID = 2**31 - 1
"""Largest value of the database's integer columns; of versions, too."""

LastEvent = Annotated[
    int | None, Query(ge=0, le=MAX_EVENT_ID, description="Resume after this event.")
]
LastEventHeader = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=MAX_EVENT_ID)]

Words = Annotated[
    str | None, Query(min_length=1, max_length=200, description="In the title or a question.")
]

OneMessage = Annotated[
    uuid.UUID | None, Query(description="Only this question with its answer; unset: all.")
]

MOST_SUGGESTIONS = 12
"""Six rows of two on a wide screen."""

SpokenLanguage = Annotated[
    str | None,
    Query(pattern="^[a-z]{2,3}$", description="Documents in this language come first."),
]


@router.post("/query")
@governed(QUERY)
async def query(platform: PlatformDep, caller: ReaderDep, request: ConversationQuery) -> QueryReply:
    """Answer a question, every sentence cited."""
    return await asking.answer(platform, caller, request)


ANSWER_EVENTS = (
    ("step", StreamedStep),
    ("token", StreamedToken),
    ("citation", CitationRead),
    ("usage", StreamedUsage),
    ("done", QueryReply),
    ("error", StreamedError),
)


@router.post("/query/stream", response_class=StreamingResponse)
@governed(replace(QUERY, events=ANSWER_EVENTS))
async def query_stream(
    platform: PlatformDep, caller: ReaderDep, request: ConversationQuery
) -> StreamingResponse:
    """Answer as server-sent events: `step`, `token`, `citation`, `usage`, `done` or `error`.

    The texts of all `token` events are the answer; where a model writes, each is a sentence and
    carries its grade. `done` has the same object as `/query`. In a conversation each event has an
    id, and the answer goes on being made when the reader leaves.
    """
    if request.conversation_id is not None:
        run = await platform.state_of(Runs).start(platform, caller, request)
        return _streamed(platform, streams.follow(platform, caller, run, run.message_id, 0))
    events = answers.stream(platform, caller, request.alone(request.query))
    # The first step is taken before the reply begins: a bad request is still a plain 4xx.
    first = await anext(events)

    async def body() -> AsyncIterator[bytes]:
        async with aclosing(events):  # a client that leaves ends the answer
            yield encode_event(first.name, first.data)
            try:
                async for event in events:
                    yield encode_event(event.name, event.data)
            except AppError as error:  # the reply has begun
                yield encode_event("error", {"code": error.code, "detail": error.detail})

    return StreamingResponse(body(), media_type=EVENTS, headers=UNBUFFERED)


@router.get("/query/suggestions")
@governed(LIBRARY)
async def suggest_first_questions(
    platform: PlatformDep,
    caller: ReaderDep,
    language: SpokenLanguage = None,
    limit: Annotated[int, Query(ge=1, le=MOST_SUGGESTIONS)] = 6,
) -> FirstQuestions:
    """Suggest questions to begin with, made of headings of documents the caller may read."""
    async with unit_of_work(platform, caller.asking()) as ctx:
        return await service.first_questions(ctx, language, limit)


@router.get(
    "/conversations/{conversation_id}/messages/{message_id}/stream",
    response_class=StreamingResponse,
)
@governed(replace(PRIVATE, events=ANSWER_EVENTS))
async def follow_message(
    platform: PlatformDep,
    caller: ReaderDep,
    conversation_id: uuid.UUID,
    message_id: uuid.UUID,
    last_event_id: LastEvent = None,
    last_event_id_header: LastEventHeader = None,
) -> StreamingResponse:
    """Follow an answer of one's own from its beginning, or after the last event one has."""
    await streams.authorise(platform, caller, conversation_id, message_id)
    last = last_event_id_header if last_event_id_header is not None else last_event_id
    run = platform.state_of(Runs).find(message_id)
    return _streamed(platform, streams.follow(platform, caller, run, message_id, last or 0))


@router.post("/conversations/{conversation_id}/messages/{message_id}/stop", status_code=204)
async def stop_message(
    platform: PlatformDep, caller: WriterDep, conversation_id: uuid.UUID, message_id: uuid.UUID
) -> None:
    """Stop an answer; what was written up to there is kept. One that is over stays as it is."""
    await streams.stop(platform, caller, conversation_id, message_id)


def _streamed(platform: Platform, events: AsyncGenerator[NumberedEvent, None]) -> StreamingResponse:
    closing = platform.state_of(Closing)

    async def body() -> AsyncIterator[bytes]:
        async with aclosing(streams.with_pauses(events, closing)) as items:
            async for event in items:
                yield (b":\n\n" if event is None else encode_json(event.name, event.text, event.id))

    return StreamingResponse(body(), media_type=EVENTS, headers=UNBUFFERED)


@router.get("/conversations")
async def list_conversations(
    platform: PlatformDep,
    caller: ReaderDep,
    request: PageDep,
    whose: Whose = Whose.OWN,
    search: Words = None,
    pinned: bool | None = None,
) -> Listing[ConversationRead]:
    """List one's own conversations, pinned ones first, or those that others share."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.page(ctx, ConversationFilter(whose, search, pinned), request)
        return listing(page, page.items)


@router.post("/conversations", status_code=201)
async def create_conversation(
    platform: PlatformDep, caller: WriterDep, data: ConversationCreate
) -> ConversationRead:
    """Begin a conversation."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.create(ctx, data)


@router.get("/conversations/{conversation_id}")
async def get_conversation(
    platform: PlatformDep, caller: ReaderDep, conversation_id: uuid.UUID
) -> ConversationRead:
    """Show a conversation of one's own, or one that is shared."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.get(ctx, conversation_id)


@router.patch("/conversations/{conversation_id}")
async def update_conversation(
    platform: PlatformDep, caller: WriterDep, conversation_id: uuid.UUID, data: ConversationUpdate
) -> ConversationRead:
    """Rename, pin or share a conversation."""
    async with unit_of_work(platform, caller) as ctx:
        return await service.update(ctx, conversation_id, data)


@router.delete("/conversations/{conversation_id}", status_code=204)
async def delete_conversation(
    platform: PlatformDep, caller: WriterDep, conversation_id: uuid.UUID
) -> None:
    """Remove a conversation with its messages."""
    async with unit_of_work(platform, caller) as ctx:
        await service.delete(ctx, conversation_id)


@router.get("/conversations/{conversation_id}/export", response_class=Response)
async def export_conversation(
    platform: PlatformDep,
    caller: ReaderDep,
    conversation_id: uuid.UUID,
    is_head: HeadDep,
    form: ExportForm = ExportForm.MARKDOWN,
    message_id: OneMessage = None,
) -> Response:
    """Export a conversation with its citations, without what the caller may not read."""
    kind, ending = MEDIA[form]
    name = f"conversation-{conversation_id}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    async with unit_of_work(platform, caller) as ctx:
        if is_head:
            await exporting.require(ctx, conversation_id, message_id)
            return head_alone(kind, headers)
        export = await exporting.read(ctx, conversation_id, message_id)
    content = await exporting.written(platform, caller, export, form)
    return Response(content, media_type=kind, headers=headers)


@router.post(
    "/conversations/{conversation_id}/files",
    status_code=202,
    dependencies=[Depends(known_fields({"files"}))],
)
@governed(ATTACHES_FILES)
async def attach_files(
    platform: PlatformDep,
    caller: WriterDep,
    key: KeyDep,
    conversation_id: uuid.UUID,
    reply: Response,
    uploads: Annotated[list[UploadFile], File(alias="files", description="One or many files.")],
) -> AcceptedDocuments:
    """Attach files to a conversation of one's own; nobody else reads them, and not outside it."""
    limit = platform.settings.max_upload_bytes
    new: list[NewFile] = []
    for upload in uploads:
        name = checked_filename(upload.filename or "", upload.size or 0, limit)
        new.append(
            NewFile(
                path=upload.file,
                filename=name,
                source=f"{UPLOADED}{name}",
                collection_id=conversation_id,
            )
        )
    accepted = await files.attach(platform, caller, conversation_id, new, key)
    if accepted.is_replay:
        reply.headers["Idempotent-Replayed"] = "true"
    return AcceptedDocuments(documents=accepted.documents)


@router.get("/conversations/{conversation_id}/files")
async def list_files(
    platform: PlatformDep, caller: ReaderDep, conversation_id: uuid.UUID, request: PageDep
) -> Listing[FileRead]:
    """List the files of a conversation of one's own, newest first."""
    async with unit_of_work(platform, caller) as ctx:
        page = await files.page(ctx, conversation_id, request)
        return listing(page, page.items)


@router.get("/conversations/{conversation_id}/files/{file_id}/content")
async def get_file_content(
    platform: PlatformDep,
    caller: ReaderDep,
    conversation_id: uuid.UUID,
    file_id: uuid.UUID,
    version: Annotated[int | None, Query(ge=1, le=MAX_EVENT_ID)] = None,
    start: Annotated[int, Query(ge=0, description="First character.")] = 0,
    end: Annotated[int | None, Query(ge=0, description="Character after the last.")] = None,
) -> ContentRead:
    """Read the text of a file, or the stretch a citation points to."""
    async with unit_of_work(platform, caller) as ctx:
        return await files.content(
            ctx, conversation_id, file_id, number=version, start=start, end=end
        )


@router.delete("/conversations/{conversation_id}/files/{file_id}", status_code=204)
async def remove_file(
    platform: PlatformDep, caller: WriterDep, conversation_id: uuid.UUID, file_id: uuid.UUID
) -> None:
    """Remove a file of a conversation for good."""
    async with unit_of_work(platform, caller) as ctx:
        await files.remove(ctx, conversation_id, file_id)


@router.get("/conversations/{conversation_id}/messages")
async def list_messages(
    platform: PlatformDep, caller: ReaderDep, conversation_id: uuid.UUID, request: PageDep
) -> Listing[MessageRead]:
    """List the messages of a conversation, oldest first, without what the caller may not read."""
    async with unit_of_work(platform, caller) as ctx:
        page = await service.messages(ctx, conversation_id, request)
        return listing(page, page.items)
