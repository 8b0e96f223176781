"""`conversations`."""

import sys
import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from citewell.core.context import Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.entrypoints.commands.naming import Findable, id_of
from citewell.entrypoints.commands.running import (
    AsOption,
    JsonOption,
    TenantOption,
    administer,
    counted,
    out,
    print_json,
    print_table,
    readable,
)
from citewell.features.conversations import exporting, service
from citewell.features.conversations.schemas import (
    ConversationFilter,
    ConversationRead,
    ExportForm,
    MessageRead,
    Whose,
)
from citewell.features.identity.service import DEFAULT_TENANT
from citewell.kit.pagination import MAX_LIMIT, PageRequest
from citewell.models.conversations import Conversation

conversations = typer.Typer(
    no_args_is_help=True, help="Conversations: list, show, export and delete them."
)

ConversationArgument = Annotated[
    str,
    typer.Argument(
        metavar="CONVERSATION",
        help="Its title, its id, or the beginning or end of it.",
        callback=readable,
    ),
]
CONVERSATION = Findable("conversation", Conversation, service.seen, (Conversation.title,))


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(conversations, name="conversations")


@conversations.command("list")
def list_conversations(
    whose: Annotated[Whose, typer.Option(help="One's own, or what others share.")] = Whose.OWN,
    search: Annotated[str | None, typer.Option(help="Words of the title or a question.")] = None,
    page: Annotated[int, typer.Option(min=1, help="Page of the list.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Lines a page.")] = 50,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List conversations, newest first."""

    async def act(platform: Platform, caller: Caller) -> tuple[list[ConversationRead], int]:
        async with unit_of_work(platform, caller) as ctx:
            wanted = ConversationFilter(whose, search)
            found = await service.page(ctx, wanted, PageRequest(page, limit))
            return found.items, found.total

    items, total = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        shown = [each.model_dump(mode="json") for each in items]
        print_json({"conversations": shown, "total": total})
        return
    table = Table("id", "last question", "questions", "title")
    for each in items:
        title = f"{'* ' if each.is_pinned else ''}{each.title}"
        table.add_row(
            str(each.id), f"{each.updated_at:%Y-%m-%d %H:%M}", str(each.message_count), Text(title)
        )
    print_table(table)
    out.print(f"{counted(total, 'conversation')}.")


@conversations.command("show")
def show_conversation(
    conversation: ConversationArgument,
    page: Annotated[int, typer.Option(min=1, help="Page of the messages.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LIMIT, help="Messages a page.")] = MAX_LIMIT,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show questions and answers, without what may not be read now."""

    async def act(platform: Platform, caller: Caller) -> tuple[ConversationRead, list[MessageRead]]:
        async with unit_of_work(platform, caller) as ctx:
            conversation_id = await id_of(ctx, CONVERSATION, conversation)
            found = await service.messages(ctx, conversation_id, PageRequest(page, limit))
            return await service.get(ctx, conversation_id), found.items

    talk, messages = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        shown = [each.model_dump(mode="json") for each in messages]
        print_json(talk.model_dump(mode="json") | {"messages": shown})
        return
    out.print(talk.title, style="bold", markup=False)
    for each in messages:
        out.print(f"? {each.question}", markup=False)
        answer = each.answer
        if answer is not None and answer.standalone:
            out.print(f"  answered as: {answer.standalone}", style="dim", markup=False)
        text = answer.answer if answer is not None else None
        out.print(f"  {text or 'No answer is kept, or part of it is withheld.'}", markup=False)


@conversations.command("export")
def export_conversation(
    conversation: ConversationArgument,
    form: Annotated[
        ExportForm | None, typer.Option(help="Form of the file; unset: Markdown.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(dir_okay=False, help="File to write; unset: standard output.")
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a conversation with its citations as Markdown, JSON or PDF."""
    if as_json and form not in (None, ExportForm.JSON):
        raise typer.BadParameter("--json is --form json; give one of them.")
    wanted = ExportForm.JSON if as_json else form or ExportForm.MARKDOWN
    if wanted is ExportForm.PDF and output is None and sys.stdout.isatty():
        raise typer.BadParameter("A PDF is not for a terminal: name a file with --output.")

    async def act(platform: Platform, caller: Caller) -> bytes:
        async with unit_of_work(platform, caller) as ctx:
            export = await exporting.read(ctx, await id_of(ctx, CONVERSATION, conversation))
        return await exporting.written(platform, caller, export, wanted)

    content = administer(act, tenant=tenant, as_user=as_user)
    if output is None:
        typer.echo(content, nl=False)
    else:
        output.write_bytes(content)


@conversations.command("delete")
def delete_conversation(
    conversation: ConversationArgument,
    tenant: TenantOption = DEFAULT_TENANT,
    as_user: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a conversation with its messages."""

    async def act(platform: Platform, caller: Caller) -> uuid.UUID:
        async with unit_of_work(platform, caller) as ctx:
            conversation_id = await id_of(ctx, CONVERSATION, conversation)
            await service.delete(ctx, conversation_id)
            return conversation_id

    conversation_id = administer(act, tenant=tenant, as_user=as_user)
    if as_json:
        print_json({"id": str(conversation_id), "deleted": True})
    else:
        out.print("Deleted.")
