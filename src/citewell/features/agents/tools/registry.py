"""Which tools there are; a new one is its file and one line here."""

from collections.abc import Mapping

from citewell.features.agents.tools import (
    ask_agent,
    calculate,
    compare_documents,
    current_time,
    fetch_url,
    list_documents,
    query_table,
    read_document,
    search_documents,
    send_http,
)
from citewell.features.agents.tools.base import AgentTool

TOOLS: Mapping[str, AgentTool] = {
    tool.spec.name: tool
    for tool in (
        search_documents.TOOL,
        read_document.TOOL,
        list_documents.TOOL,
        compare_documents.TOOL,
        query_table.TOOL,
        calculate.TOOL,
        current_time.TOOL,
        ask_agent.TOOL,
        fetch_url.TOOL,
        send_http.TOOL,
    )
}
