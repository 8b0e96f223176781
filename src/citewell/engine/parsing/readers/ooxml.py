"""Common parts of Word and PowerPoint files: parts, relations, properties.

Source: ECMA-376 part 2 (Open Packaging Conventions) and part 1, section 15.2.12.
"""

import posixpath
import zipfile
from collections.abc import Callable, Iterator
from typing import NamedTuple
from xml.etree import ElementTree as ET

from citewell.engine.parsing.archives import PART_ERRORS, parse_part, warn_of_damage
from citewell.engine.parsing.findings import Findings

_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"


class Relation(NamedTuple):
    """Target of a relation of a part."""

    kind: str
    """Last part of the relation's type, as `slide` or `notesSlide`."""
    part: str


def local(tag: str) -> str:
    """A tag's name without its namespace, which differs between strict and transitional files."""
    return tag.rpartition("}")[2]


def attribute(element: ET.Element, name: str) -> str | None:
    """An attribute, of any namespace."""
    for key, value in element.attrib.items():
        if local(key) == name:
            return value
    return None


def child(element: ET.Element | None, *path: str) -> ET.Element | None:
    """The first descendant along a path of local names."""
    for name in path:
        if element is None:
            return None
        element = next((part for part in element if local(part.tag) == name), None)
    return element


def value_of(element: ET.Element | None, *path: str) -> str | None:
    """The `val` of the descendant along a path, which is how Word stores most settings."""
    found = child(element, *path)
    return None if found is None else attribute(found, "val")


def is_on(switch: ET.Element | str | None) -> bool:
    """Whether a setting is on: an element without a value, or a value that does not say off."""
    if switch is None:
        return False
    value = switch if isinstance(switch, str) else attribute(switch, "val") or "1"
    return value.lower() not in ("0", "false", "off", "none")


def walk(
    element: ET.Element, is_pruned: Callable[[str], bool] = lambda _: False
) -> Iterator[ET.Element]:
    """Yield the descendants in order of the text, without those below pruned names.

    Where a file offers alternatives (`mc:AlternateContent`), only the first choice is walked: the
    fallback says the same in older terms, or is a picture.
    """
    stack = [iter(element)]
    while stack:
        part = next(stack[-1], None)
        if part is None:
            stack.pop()
            continue
        name = local(part.tag)
        if name == "AlternateContent":
            chosen = child(part, "Choice")
            part = part if chosen is None else chosen
        yield part
        if not is_pruned(name):
            stack.append(iter(part))


def relations(archive: zipfile.ZipFile, part: str) -> dict[str, Relation]:
    """The relations of a part by their ids; external ones are left out."""
    folder, name = posixpath.split(part)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if path not in archive.namelist():
        return {}
    found: dict[str, Relation] = {}
    for item in parse_part(archive, path).iter(f"{_RELATIONS}Relationship"):
        if item.get("TargetMode") == "External":
            continue
        target = item.get("Target", "")
        full = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
        kind = item.get("Type", "").rpartition("/")[2]
        found[item.get("Id", "")] = Relation(kind, posixpath.normpath(full))
    return found


def spared_relations(
    archive: zipfile.ZipFile, part: str, findings: Findings
) -> dict[str, Relation]:
    """The relations of a part; none if they are damaged, which `findings` tell."""
    try:
        return relations(archive, part)
    except PART_ERRORS:
        warn_of_damage(part, findings)
        return {}


def main_part(archive: zipfile.ZipFile) -> str:
    """The name of the document's main part.

    Raises:
        KeyError: There is none.
    """
    for relation in relations(archive, "").values():
        if relation.kind == "officeDocument":
            return relation.part
    raise KeyError("officeDocument")


def properties(archive: zipfile.ZipFile) -> tuple[str | None, dict[str, str]]:
    """The title and the metadata of a document; damaged properties are left out."""
    path = next(
        (r.part for r in relations(archive, "").values() if r.kind == "core-properties"), ""
    )
    if path not in archive.namelist():
        return None, {}
    try:
        root = parse_part(archive, path)
    except PART_ERRORS:
        return None, {}
    names = {
        "author": f"{_DUBLIN_CORE}creator",
        "language": f"{_DUBLIN_CORE}language",
        "created": f"{_TERMS}created",
        "description": f"{_DUBLIN_CORE}description",
    }
    found = {name: root.findtext(tag) or "" for name, tag in names.items()}
    title = root.findtext(f"{_DUBLIN_CORE}title")
    return title or None, {name: value for name, value in found.items() if value}
