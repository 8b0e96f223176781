"""Kinds of answers that questions ask for, and figures that are computed for them."""

from enum import StrEnum


class Kind(StrEnum):
    """Kind of answer a question asks for."""

    YES_NO = "yes_no"
    PERSON = "person"
    TIME = "time"
    PLACE = "place"
    COUNT = "count"
    AMOUNT = "amount"
    DURATION = "duration"
    LIST = "list"
    PROCEDURE = "procedure"
    COMPARISON = "comparison"
    DEFINITION = "definition"
    CONTACT = "contact"
    """An address or a number to reach somebody by."""
    OTHER = "other"


class Aggregate(StrEnum):
    """Figure to compute over a column."""

    SUM = "sum"
    MEAN = "mean"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"
    COUNT = "count"
