"""Our requests in the form that pydantic-ai sends.

Imported only when a model is first used; see `hosted`.
"""

from itertools import groupby

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.messages import ModelRequest as Turn
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.tools import ToolDefinition

from citewell.engine.llm.base import (
    AssistantMessage,
    Message,
    ModelRequest,
    ToolResult,
    UserMessage,
)

OUTPUT_TOOL = "give_reply"
"""The tool by which a model gives a reply of a certain shape.

All vendors know tools; their own formats for structured output differ by model, and some servers
with OpenAI's format ignore them without a word.
"""


def history_of(request: ModelRequest) -> list[ModelMessage]:
    """The conversation, what is not the model's in a row as one turn."""
    history: list[ModelMessage] = []
    opening: list[ModelRequestPart] = [SystemPromptPart(request.system)] if request.system else []
    for is_reply, group in groupby(request.messages, lambda m: isinstance(m, AssistantMessage)):
        if is_reply:
            parts = [part for message in group for part in _reply_parts(message)]
            history.append(ModelResponse(parts=parts))
        else:
            history.append(Turn(parts=[*opening, *map(_part_of, group)]))
            opening = []
    return history


def parameters_of(request: ModelRequest) -> ModelRequestParameters:
    """The tools, and the shape of the reply as one tool more, which then has to be used."""
    tools = [
        ToolDefinition(
            name=tool.name,
            description=tool.description,
            parameters_json_schema=tool.parameters,
        )
        for tool in request.tools
    ]
    if request.json_format is not None:
        form = OutputObjectDefinition(
            json_schema=request.json_format.model_json_schema(),
            name="reply",
            description=request.json_format.__doc__,
            strict=True,
        )
        return ModelRequestParameters(
            function_tools=tools, output_mode="native", output_object=form
        )
    if request.output is None:
        return ModelRequestParameters(function_tools=tools)
    reply = ToolDefinition(
        name=OUTPUT_TOOL,
        description=request.output.__doc__ or "Give the reply.",
        parameters_json_schema=request.output.model_json_schema(),
        kind="output",
    )
    return ModelRequestParameters(
        function_tools=tools, output_mode="tool", output_tools=[reply], allow_text_output=False
    )


def _part_of(message: Message) -> ModelRequestPart:
    match message:
        case ToolResult(call, content, is_error):
            outcome = "failed" if is_error else "success"
            return ToolReturnPart(call.name, content, call.id, outcome=outcome)
        case UserMessage(text):
            return UserPromptPart(text)
        case AssistantMessage():
            raise AssertionError("a reply is no part of a request")


def _reply_parts(message: Message) -> list[ModelResponsePart]:
    assert isinstance(message, AssistantMessage)
    calls = [ToolCallPart(call.name, call.arguments, call.id) for call in message.tool_calls]
    return [TextPart(message.text), *calls] if message.text else list(calls)
