"""The workflows that are shipped as files, to be made one's own."""

from importlib.resources import files

from citewell.engine.workflows.checking import read_workflow
from citewell.features.workflows.errors import WorkflowTemplateNotFoundError
from citewell.features.workflows.schemas import WorkflowTemplateRead

_FOLDER = "citewell.features.workflows.templates"


def templates() -> list[WorkflowTemplateRead]:
    """All of them, by name."""
    found: list[WorkflowTemplateRead] = []
    for path in files(_FOLDER).iterdir():
        name, _, suffix = path.name.rpartition(".")
        if suffix != "yaml":
            continue
        source = path.read_text(encoding="utf-8")
        spec = read_workflow(source).spec
        found.append(
            WorkflowTemplateRead(
                template=name,
                name=spec.name,
                description=spec.description,
                inputs=spec.inputs,
                source=source,
            )
        )
    return sorted(found, key=lambda each: each.template)


def template(name: str) -> WorkflowTemplateRead:
    """One of them.

    Raises:
        WorkflowTemplateNotFoundError: There is none of this name.
    """
    for each in templates():
        if each.template == name:
            return each
    raise WorkflowTemplateNotFoundError(name)
