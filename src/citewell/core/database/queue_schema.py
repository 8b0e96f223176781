"""The tables of the job queue, made by the queue library's own migrations, verified by hash.

The library ships every migration it ever released. A revision of ours names the last one it follows
and their hash, so all installations run the same statements, whichever version of the library is
installed when they are made.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources

from sqlalchemy import Connection

from citewell.core.errors import StartupError


@dataclass(frozen=True, slots=True)
class QueueScripts:
    """Consecutive migrations of the queue library."""

    after: str
    """Name of the last one that an earlier revision has run; empty for the first."""
    last: str
    sha256: str
    """Hash of their names and contents in order, as `digest` computes it."""

    def installed(self) -> dict[str, str]:
        """Their statements by name, as the installed library has them."""
        return {name: said for name, said in scripts().items() if self.after < name <= self.last}

    def run(self, connection: Connection) -> None:
        """Run them in the transaction of a revision.

        Raises:
            StartupError: They differ from those the revision was written for.
        """
        found = self.installed()
        if digest(found) != self.sha256:
            raise StartupError(
                f"The installed procrastinate has other migrations up to {self.last} than this "
                "version of Citewell was tested with. Install what requirements/base.txt names."
            )
        for statements in found.values():
            # The driver would take `%` for a parameter.
            connection.exec_driver_sql(statements.replace("%", "%%"))


def scripts() -> dict[str, str]:
    """All migrations of the installed library, by name in the order they apply."""
    folder = resources.files("procrastinate.sql") / "migrations"
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".sql"))
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


def digest(found: dict[str, str]) -> str:
    """SHA-256 of migrations by name."""
    total = hashlib.sha256()
    for name, statements in found.items():
        # Hashed one by one, so that no text can move from a name into its statements unnoticed.
        for part in (name, statements):
            total.update(hashlib.sha256(part.encode()).digest())
    return total.hexdigest()
