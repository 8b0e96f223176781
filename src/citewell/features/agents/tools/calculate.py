"""Calculating exactly."""

from pydantic import BaseModel, ConfigDict, Field

from citewell.engine.agents.base import ToolOutput, ToolTerms
from citewell.engine.agents.calculating import MAX_EXPRESSION, CalculationError, calculate
from citewell.features.agents.tools.base import AgentTool, ToolWork


class CalculateArguments(BaseModel):
    """An expression."""

    model_config = ConfigDict(extra="forbid")

    expression: str = Field(
        min_length=1,
        max_length=MAX_EXPRESSION,
        description="Numbers with + - * / // % ** ( ), and abs, max, min, sum, mean, round, sqrt.",
    )


async def _run(_: ToolWork, arguments: CalculateArguments) -> ToolOutput:
    try:
        return ToolOutput(f"{arguments.expression} = {calculate(arguments.expression):f}")
    except CalculationError as error:
        return ToolOutput(str(error), is_error=True)


TOOL = AgentTool(
    ToolTerms("calculate", "Calculate an expression exactly, in decimals.", CalculateArguments),
    _run,
)
