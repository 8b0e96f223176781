"""Conditions of a workflow: a few comparisons that can be combined, and no language."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from citewell.engine.workflows.problems import WorkflowStepError
from citewell.engine.workflows.templates import TemplateJson, Values, fill, written

FORMS = ("equals", "contains", "is_empty", "greater_than", "all", "any", "not")


class WorkflowTest(BaseModel):
    """Exactly one of the comparisons."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    equals: list[TemplateJson] | None = Field(default=None, min_length=2, max_length=2)
    contains: list[TemplateJson] | None = Field(default=None, min_length=2, max_length=2)
    is_empty: TemplateJson | None = None
    greater_than: list[TemplateJson] | None = Field(default=None, min_length=2, max_length=2)
    all_of: list["WorkflowTest"] | None = Field(
        default=None, alias="all", min_length=1, max_length=20
    )
    any_of: list["WorkflowTest"] | None = Field(
        default=None, alias="any", min_length=1, max_length=20
    )
    not_: "WorkflowTest | None" = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _has_one(self) -> "WorkflowTest":
        given = self.model_fields_set
        is_null = "is_empty" not in given and all(getattr(self, name) is None for name in given)
        if len(given) != 1 or is_null:
            raise ValueError(f"takes exactly one of {', '.join(FORMS)}")
        return self


def holds(test: WorkflowTest, values: Values) -> bool:
    """Whether a condition holds.

    Raises:
        WorkflowStepError: It compares what cannot be compared.
    """
    if test.equals is not None:
        left, right = (fill(each, values) for each in test.equals)
        return left == right if type(left) is type(right) else written(left) == written(right)
    if test.contains is not None:
        return _contains(*(fill(each, values) for each in test.contains))
    if test.greater_than is not None:
        left, right = (_number(fill(each, values)) for each in test.greater_than)
        return left > right
    if test.all_of is not None:
        return all(holds(each, values) for each in test.all_of)
    if test.any_of is not None:
        return any(holds(each, values) for each in test.any_of)
    if test.not_ is not None:
        return not holds(test.not_, values)
    found = fill(test.is_empty, values)
    return found is None or (isinstance(found, str | list | dict) and not found)


def _contains(whole: JsonValue, part: JsonValue) -> bool:
    if isinstance(whole, list | dict):
        return part in whole if isinstance(whole, list) else written(part) in whole
    # As people search: without regard to case.
    return written(part).casefold() in written(whole).casefold()


def _number(value: JsonValue) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    raise WorkflowStepError(f"`greater_than` compares numbers, and this is none: {value!r:.100}")
