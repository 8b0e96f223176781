"""Errors of evaluations."""

from citewell.core.errors import ConflictError, InvalidInputError, NotFoundError


class DatasetNotFoundError(NotFoundError):
    """No such set of questions."""

    code = "dataset_not_found"

    def __init__(self, wanted: object) -> None:
        super().__init__(f"There is no evaluation dataset `{wanted}`.")


class DatasetExistsError(ConflictError):
    """The name is taken."""

    code = "dataset_exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"An evaluation dataset `{name}` exists already. Choose another name.")


class CaseNotFoundError(NotFoundError):
    """No such question in the set."""

    code = "case_not_found"

    def __init__(self, case_id: object) -> None:
        super().__init__(f"There is no evaluation case `{case_id}`.")


class InvalidCaseError(InvalidInputError):
    """A question without what is right, or one too many."""

    code = "invalid_case"


class GenerationNotFoundError(NotFoundError):
    """No such generation."""

    code = "generation_not_found"

    def __init__(self, generation_id: object) -> None:
        super().__init__(f"There is no generation `{generation_id}` of this dataset.")


class RunNotFoundError(NotFoundError):
    """No such run."""

    code = "run_not_found"

    def __init__(self, run_id: object) -> None:
        super().__init__(f"There is no evaluation run `{run_id}`.")


class RunUnfinishedError(ConflictError):
    """The run has no figures yet."""

    code = "run_unfinished"

    def __init__(self, run_id: object) -> None:
        super().__init__(f"The evaluation run `{run_id}` is not finished.")
