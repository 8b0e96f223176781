"""Computing with the tables of a CSV file or a workbook."""

import uuid

from pydantic import BaseModel, ConfigDict, Field

from citewell.core.context import unit_of_work
from citewell.engine.agents.base import ToolOutput, ToolTerms
from citewell.engine.agents.tables import query_tables
from citewell.engine.parsing.sheets import SHEET_FORMATS
from citewell.features.agents.tools.base import AgentTool, ToolWork, require_in_scope
from citewell.features.documents import service as documents

MAX_ROWS = 100
MAX_FILE_BYTES = 20 * 1024 * 1024


class QueryTableArguments(BaseModel):
    """A document and a query."""

    model_config = ConfigDict(extra="forbid")

    document_id: uuid.UUID
    sql: str = Field(
        default="",
        max_length=4_000,
        description="One SELECT of DuckDB's SQL; empty: the tables with columns and first rows.",
    )


async def _run(work: ToolWork, arguments: QueryTableArguments) -> ToolOutput:
    async with unit_of_work(work.platform, work.caller) as ctx:
        state, version = await documents.readable_version(ctx, arguments.document_id, None)
        require_in_scope(work, state)
    mime_type = version.mime_type or ""
    if mime_type not in SHEET_FORMATS:
        return ToolOutput("This document is no CSV file or workbook.", is_error=True)
    if version.size_bytes > MAX_FILE_BYTES:
        most = MAX_FILE_BYTES // 1024 // 1024
        return ToolOutput(f"The file is larger than {most} MiB.", is_error=True)
    original = documents.original_file(
        work.platform, work.caller, arguments.document_id, version.number
    )
    async with original as file:
        answer = await work.platform.compute.run(
            work.caller.tenant_id,
            query_tables,
            str(file.path),
            file.filename,
            mime_type,
            arguments.sql,
            MAX_ROWS,
        )
    read = (str(arguments.document_id),)
    told = "\n".join(["Tables:", *answer["tables"]])
    if answer["error"] is not None:
        return ToolOutput(f"{answer['error']}\n{told}", is_error=True, document_ids=read)
    lines = [" | ".join(answer["columns"])]
    lines += [" | ".join("" if cell is None else cell for cell in row) for row in answer["rows"]]
    if not answer["is_complete"]:
        lines.append(f"[cut: more than {MAX_ROWS} rows]")
    return ToolOutput("\n".join([told, "", *lines]), document_ids=read)


TOOL = AgentTool(
    ToolTerms(
        "query_table",
        "Query a CSV file or workbook: its sheets are tables, one SELECT is answered.",
        QueryTableArguments,
        seconds=45,
    ),
    _run,
)
