"""The sources of the web application, as far as that can be told without Node.js."""

import json
import re
from pathlib import Path

from citewell.engine.parsing.base import ParseFailure, WarningCode
from citewell.features.agents.built_in import BUILT_IN
from citewell.features.ingestion import errors as ingestion
from citewell.features.workflows import shipped
from tools.web_schema import SCHEMA, described

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
SOURCES = [path for path in (WEB / "src").rglob("*.ts*") if ".test." not in path.name]
PLURAL = re.compile(r"_(one|other)$")
QUOTED = re.compile(r'"([a-z]+(?:\.[A-Za-z]+)+)"')
TRANSLATED = re.compile(r'\bt\(\s*"([^"]+)"')
WORDS_ON_A_PAGE = re.compile(
    r">\s*[A-Za-zÀ-ỹ]{2,}[^<>{}=;]*</|(?:placeholder|title|aria-label)=\"[A-Z]"
)


def translations(language: str) -> dict[str, str]:
    return json.loads((WEB / "src" / "i18n" / f"{language}.json").read_text("utf-8"))


def stems(keys: dict[str, str]) -> set[str]:
    return {PLURAL.sub("", key) for key in keys}


class TestTranslations:
    def test_both_languages_have_the_same_keys(self) -> None:
        assert stems(translations("en")) == stems(translations("vi"))

    def test_both_fill_in_the_same_values(self) -> None:
        english, vietnamese = translations("en"), translations("vi")
        for key, text in vietnamese.items():
            values = set(re.findall(r"{{\w+}}", text))
            assert values == set(re.findall(r"{{\w+}}", english[key])), key

    def test_every_key_is_used_and_every_used_key_is_there(self) -> None:
        texts = [path.read_text("utf-8") for path in SOURCES]
        keys = stems(translations("en"))
        named = {key for text in texts for key in QUOTED.findall(text)}
        assert keys - named == set()
        assert {key for text in texts for key in TRANSLATED.findall(text)} - keys == set()

    def test_no_page_has_words_of_its_own(self) -> None:
        found = [
            f"{path.relative_to(WEB)}: {match[0]}"
            for path in SOURCES
            for match in WORDS_ON_A_PAGE.finditer(path.read_text("utf-8"))
            if "Citewell" not in match[0]
        ]
        assert found == []


class TestCodes:
    """The server's English messages have words in both languages, by codes that do not change."""

    def test_all_have_words(self) -> None:
        failures = {each.value for each in ParseFailure}
        failures |= {text for name, text in vars(ingestion).items() if name.isupper()}
        for place, codes in (
            ("ui/failure.tsx", failures),
            ("ui/warnings.tsx", {each.value for each in WarningCode}),
            ("agents/built-in.ts", {each.slug for each in BUILT_IN.values()}),
            ("workflows/templates.ts", {each.template for each in shipped.templates()}),
        ):
            text = (WEB / "src" / place).read_text("utf-8")
            named = set(re.findall(r'^  "?([a-z][a-z_-]+)"?: (?:"|{ name: ")', text, re.MULTILINE))
            assert named == codes, place

    def test_english_names_are_those_of_the_server(self) -> None:
        words = set(translations("en").values())
        for agent in BUILT_IN.values():
            assert {agent.definition.name, agent.definition.description} <= words
        for each in shipped.templates():
            assert {each.name, each.description} <= words

    def test_start_page_knows_how_many_documents_the_samples_are(self) -> None:
        text = (WEB / "src" / "ask" / "beginning.tsx").read_text("utf-8")
        files = [path for path in (ROOT / "samples" / "library").rglob("*") if path.is_file()]
        assert f"const SAMPLE_COUNT = {len(files)};" in text


class TestSchema:
    def test_is_what_the_application_says(self) -> None:
        assert SCHEMA.read_text("utf-8") == described(), "run `make web-schema`"


class TestLock:
    def test_names_no_host(self) -> None:
        lock = json.loads((WEB / "package-lock.json").read_text("utf-8"))
        packages = {name: each for name, each in lock["packages"].items() if name}
        assert len(packages) > 50
        assert [name for name, each in packages.items() if "resolved" in each] == []
        assert [
            name
            for name, each in packages.items()
            if "integrity" not in each and not each.get("inBundle")  # part of another one
        ] == []

    def test_is_complete(self) -> None:
        """Without an entry for each optional package too `npm ci` refuses the whole lock."""
        packages = json.loads((WEB / "package-lock.json").read_text("utf-8"))["packages"]
        there = {name.rpartition("node_modules/")[2] for name in packages}
        for name, each in packages.items():
            wanted = {**each.get("dependencies", {}), **each.get("optionalDependencies", {})}
            assert set(wanted) <= there, name

    def test_the_build_has_no_packages_that_run_at_installation(self) -> None:
        lock = json.loads((WEB / "package-lock.json").read_text("utf-8"))
        scripted = {
            name
            for name, each in lock["packages"].items()
            if each.get("hasInstallScript") and not each.get("optional")
        }
        assert scripted == set()
