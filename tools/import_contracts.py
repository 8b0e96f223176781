"""A contract of ours for import-linter: which modules of a package its siblings may import."""

from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class PublicModules(Contract):
    """Each package in a container shows its siblings a few modules; the others are its own.

    Options of the contract:
        container: The package whose children are held apart.
        public: Names of modules that every child shows.
        also_public: Full names of further modules that siblings may import.
    """

    container = fields.StringField()
    public = fields.ListField(subfield=fields.StringField())
    also_public = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - its interface
        """Find the imports of what a sibling keeps to itself, and exceptions nobody needs."""
        container: Any = self.container
        also: set[str] = set(self.also_public or ())  # type: ignore[arg-type]
        found: list[tuple[str, str]] = []
        needed: set[str] = set()
        for imported in graph.modules:
            child = _child(container, imported)
            # A module right in the container (`features.http`) has nothing to hide.
            if child is None or imported == f"{container}.{child}":
                continue
            is_public = imported.split(".")[len(container.split(".")) + 1] in self.public  # type: ignore[operator]
            for importer in graph.find_modules_that_directly_import(imported):
                if _child(container, importer) in (None, child) or is_public:
                    continue
                if imported in also:
                    needed.add(imported)
                else:
                    found.append((importer, imported))
        unneeded = sorted(also - needed)
        return ContractCheck(
            kept=not found and not unneeded,
            metadata={"found": sorted(found), "unneeded": unneeded},
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each import, and each exception to be taken out of `also_public`."""
        for importer, imported in check.metadata["found"]:
            output.print_error(f"{importer} imports {imported}, which is not public.")
        for module in check.metadata["unneeded"]:
            output.print_error(f"{module} is in also_public, and no sibling imports it.")


def _child(container: str, module: str) -> str | None:
    """The container's child that a module belongs to; None outside of the container."""
    if not module.startswith(f"{container}."):
        return None
    return module.removeprefix(f"{container}.").split(".")[0]
