"""The last file of a backup: it says what belongs to it, and that it is whole."""

import json
import re
from binascii import Error as Base64Error
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag

from citewell.core.backups import keys
from citewell.core.backups.keys import Unlocking
from citewell.core.errors import StartupError
from citewell.core.secrets import MasterKeys

FORMAT = 1
MANIFEST = "manifest.json"
FOLDER = "backups"
CONTENTS = "contents"

ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
"""An id of a backup: the time of its snapshot and a random end."""

MOST_BYTES = 16 << 20
"""A manifest has some hundred bytes a table; what is larger is none."""


class DamagedBackupError(StartupError):
    """A backup was cut off, changed, or lacks a file; the message says where."""

    def __init__(self, backup_id: str, what: str) -> None:
        super().__init__(f"The backup {backup_id} is damaged: {what}. Take another one.")


@dataclass(frozen=True, slots=True)
class ArchivePart:
    """An encrypted file of a backup."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Head:
    """The part of a manifest that is read without a key."""

    id: str
    created_at: datetime
    version: str
    """Version of Citewell that made it."""
    schema: str
    """Revision of the database's schema."""
    has_passphrase: bool
    marks: frozenset[str] = frozenset()
    """Marks of the installation, as in `ownership`; none in backups of earlier versions."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The encrypted part of a manifest."""

    rows: ArchivePart
    contents: ArchivePart
    """The list of original files."""
    tables: dict[str, tuple[int, int]]
    """Number of rows and sum of their hashes by table."""
    sequences: dict[str, tuple[int, bool]]
    tenants: int
    files: int
    """Number of original files."""
    file_bytes: int
    settings: dict[str, str] = field(default_factory=dict[str, str])
    """Settings at that time that were no secrets and not their defaults."""


def write(head: Head, manifest: Manifest, key: bytes, masters: MasterKeys,
          passphrase: str | None) -> bytes:  # fmt: skip
    """The manifest's bytes."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "id": head.id,
        "created_at": head.created_at.isoformat(),
        "version": head.version,
        "schema": head.schema,
        "installation": sorted(head.marks),
        "keys": keys.wrap(key, masters, passphrase),
    }
    sealed = keys.seal(key, json.dumps(asdict(manifest)).encode(), _canonical(document))
    return json.dumps(document | {"sealed": sealed}, indent=1).encode()


def head_of(backup_id: str, content: bytes) -> Head:
    """The head of a manifest, read without a key; it is not proven before `read` has opened it.

    Raises:
        DamagedBackupError: It is no manifest of this backup.
        StartupError: A newer version made it.
    """
    document = _document(backup_id, content)
    return Head(
        id=backup_id,
        created_at=datetime.fromisoformat(document["created_at"]),
        version=str(document["version"]),
        schema=str(document["schema"]),
        has_passphrase="passphrase" in document["keys"],
        marks=frozenset(map(str, document.get("installation", []))),
    )


def read(
    backup_id: str, content: bytes, given: Unlocking
) -> tuple[Manifest, bytes, tuple[bytes, ...]]:
    """The encrypted part of a manifest, the key of its files, and the installation's master keys.

    Raises:
        WrongKeyError: What was given does not open it.
        DamagedBackupError: It was changed.
        StartupError: A newer version made it.
    """
    document = _document(backup_id, content)
    sealed = document.pop("sealed")
    try:
        key, masters = keys.unwrap(document["keys"], given)
        plain = json.loads(keys.unseal(key, sealed, _canonical(document)))
        plain["rows"], plain["contents"] = (
            ArchivePart(**plain["rows"]),
            ArchivePart(**plain["contents"]),
        )
        plain["tables"] = {name: (rows, total) for name, (rows, total) in plain["tables"].items()}
        plain["sequences"] = {name: (last, on) for name, (last, on) in plain["sequences"].items()}
        return Manifest(**plain), key, masters
    except (InvalidTag, Base64Error, ValueError, KeyError, TypeError, AttributeError):
        raise DamagedBackupError(backup_id, f"its {MANIFEST} was changed") from None


def _document(backup_id: str, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
        if document["format"] > FORMAT:
            raise StartupError(
                f"The backup {backup_id} was made by a newer Citewell ({document['version']}). "
                "Install that version or a newer one."
            )
        if document["id"] != backup_id or not isinstance(document["sealed"], str):
            raise ValueError
        datetime.fromisoformat(document["created_at"])
        if not {"schema", "version"} <= document.keys() or not document["keys"]["installation"]:
            raise ValueError
        if not isinstance(document.get("installation", []), list):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise DamagedBackupError(backup_id, f"its {MANIFEST} was changed") from None
    return document


def _canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
