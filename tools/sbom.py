"""Prints what an image is made of as CycloneDX 1.6: Python, Debian and web packages, with licences.

Run with the Python whose packages are meant; nothing but the standard library is needed.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

Component = dict[str, Any]


def python_packages() -> Iterator[Component]:
    """Packages that this Python can import, Citewell itself left out."""
    for each in distributions():
        name = re.sub(r"[-_.]+", "-", each.metadata["Name"]).lower()
        if name != "citewell":
            purl = f"pkg:pypi/{name}@{quote(each.version, safe='.-')}"
            yield _component(name, each.version, purl, _licence(each))


def _licence(package: Distribution) -> str | None:
    """The licence a package states in one line; texts of licences are no names."""
    meta = package.metadata
    for field in ("License-Expression", "License"):
        said = meta.get(field)
        if said and "\n" not in said and len(said) < 100:
            return said
    classifiers = meta.get_all("Classifier") or ()
    named = [each for each in classifiers if each.startswith("License :: ")]
    return named[0].rpartition(" :: ")[2] if named else None


def debian_packages(status: Path) -> Iterator[Component]:
    """Packages that dpkg has installed.

    Args:
        status: `/var/lib/dpkg/status`; a base without dpkg has none, and gives none.
    """
    if not status.is_file():
        return
    for record in status.read_text(encoding="utf-8").split("\n\n"):
        fields = dict(re.findall(r"^(\S+): (.*)$", record, re.M))
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={fields['Architecture']}"
            yield _component(name, version, purl, None)


def web_packages(lock: Path) -> Iterator[Component]:
    """Packages of which the web application is built.

    Args:
        lock: `package-lock.json`; tools that only tests need are left out.
    """
    for path, each in json.loads(lock.read_text(encoding="utf-8"))["packages"].items():
        if path and not each.get("dev") and not each.get("link"):
            name, version = path.rpartition("node_modules/")[2], each["version"]
            purl = f"pkg:npm/{quote(name, safe='/')}@{quote(version)}"
            yield _component(name, version, purl, each.get("license"))


def _component(name: str, version: str, purl: str, licence: str | None) -> Component:
    found: Component = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    }
    if licence:
        found["licenses"] = [{"license": {"name": licence}}]
    return found


def bill(version: str, *packages: Iterator[Component]) -> dict[str, Any]:
    """The bill of materials; the same packages give the same bytes.

    Args:
        version: Of Citewell.
        packages: All that is in the image; a package found twice is named once.
    """
    found = {each["purl"]: each for group in packages for each in group}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "citewell",
                "name": "citewell",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": [found[purl] for purl in sorted(found)],
    }


def main() -> None:
    """Print the bill of this environment."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--of", default="0.0.0", help="version of Citewell")
    options.add_argument("--dpkg", type=Path, default=Path("/var/lib/dpkg/status"))
    options.add_argument("--npm", type=Path, help="package-lock.json of the web application")
    given = options.parse_args()
    groups = [python_packages(), debian_packages(given.dpkg)]
    if given.npm is not None:
        groups.append(web_packages(given.npm))
    json.dump(bill(given.of, *groups), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
