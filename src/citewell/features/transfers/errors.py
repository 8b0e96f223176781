"""Errors of exports and imports."""

from citewell.core.errors import ConflictError, InvalidInputError, UnavailableError


class DamagedExportError(InvalidInputError):
    """The file is not a readable export, or its content is contradictory."""

    code = "invalid_export"


class UnknownDenialError(ConflictError):
    """A denial names a user or group that this tenant does not have."""

    code = "unknown_denied"

    def __init__(self, names: list[str]) -> None:
        some = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        super().__init__(
            f"Nothing was imported: the export denies access to {some}, not known here. Make these "
            "users and groups first, or import with `restrict`: what they are denied is then "
            "restricted."
        )
        self.names = names


class ExportChangedError(ConflictError):
    """Something was removed from the collection while it was being exported."""

    code = "export_interrupted"

    def __init__(self, filename: str) -> None:
        super().__init__(
            f"The original of `{filename}` is missing or damaged, or was deleted meanwhile. If the "
            "next try says the same, `citewell doctor` tells more."
        )


class PassphraseError(InvalidInputError):
    """The passphrase is too short."""

    code = "weak_passphrase"


class ImportInterruptedError(UnavailableError):
    """An import paused for so long that upkeep has taken it for dead."""

    code = "import_interrupted"

    def __init__(self) -> None:
        super().__init__("The import paused for too long; nothing of it is left. Try again.")
