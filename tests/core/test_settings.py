import os
from pathlib import Path

import pytest

from citewell.core.mail_servers import mail_place
from citewell.core.settings import (
    Settings,
    SettingsError,
    found_vendor_keys,
    is_set,
    load_settings,
)

STRONG = "9f2c6d1be07a4385a1c2d3e4f5061728"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without a `.env`."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestLoad:
    def test_nothing_set_gives_the_defaults(self) -> None:
        settings = load_settings()
        assert (settings.embedding, settings.llm, settings.host) == ("bundled", "none", "127.0.0.1")
        assert settings.database_url is None
        assert settings.home.is_absolute()

    def test_variable_wins_over_file(
        self, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (elsewhere / ".env").write_text("CITEWELL_PORT=9000\nCITEWELL_THREADS=1\nOTHER=x\n")
        monkeypatch.setenv("CITEWELL_PORT", "9001")
        settings = load_settings()
        assert (settings.port, settings.threads) == (9001, 1)

    def test_file_of_the_home_counts_and_that_of_the_folder_wins(
        self, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = elsewhere / "home"
        home.mkdir()
        monkeypatch.setenv("CITEWELL_HOME", str(home))
        (home / ".env").write_text("CITEWELL_PORT=9000\nCITEWELL_THREADS=1\n")
        (elsewhere / ".env").write_text("CITEWELL_PORT=9001\n")
        settings = load_settings()
        assert (settings.port, settings.threads) == (9001, 1)
        assert is_set("threads")

    def test_file_that_others_could_have_written_is_refused(self, elsewhere: Path) -> None:
        file = elsewhere / ".env"
        file.write_text("CITEWELL_LLM=openai-compatible:m\nCITEWELL_LLM_BASE_URL=http://evil\n")
        file.chmod(0o666)
        with pytest.raises(SettingsError, match="another user"):
            load_settings()
        file.chmod(0o644)
        if os.geteuid() == 0:
            os.chown(file, 65534, 65534)
            with pytest.raises(SettingsError, match="another user"):
                load_settings()

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("CITEWELL_PORT", "eighty"),
            ("CITEWELL_PORT", "99999"),
            ("CITEWELL_LLM", "gpt"),
            ("CITEWELL_LLM", "openai:"),
            ("CITEWELL_VERIFIER", "onnx:"),
            ("CITEWELL_EMBEDDING", "torch:x"),
            ("CITEWELL_DATABASE_URL", "mysql://x"),
            ("CITEWELL_MAX_UPLOAD_BYTES", "0"),
            ("CITEWELL_LOG_LEVEL", "loud"),
            ("CITEWELL_THREADS", "-1"),
            ("CITEWELL_PUBLIC_URL", "citewell.example.org"),
            ("CITEWELL_PUBLIC_URL", "https://"),
            ("CITEWELL_PUBLIC_URL", "https://example.org:99999"),
            ("CITEWELL_PUBLIC_URL", "https://example.org/citewell"),
            ("CITEWELL_PUBLIC_URL", "https://user:word@example.org"),
            ("CITEWELL_REDIS_URL", "localhost:6379"),
            ("CITEWELL_REDIS_URL", "http://localhost:6379"),
            ("CITEWELL_REDIS_URL", "redis://"),
            ("CITEWELL_REDIS_URL", "unix://"),
            ("CITEWELL_SMTP_URL", "mail.example.org"),
            ("CITEWELL_SMTP_URL", "http://mail.example.org"),
            ("CITEWELL_SMTP_URL", "smtp://"),
            ("CITEWELL_SMTP_URL", "smtp://mail.example.org:99999"),
            ("CITEWELL_SMTP_URL", "smtp://mail.example.org/box"),
            ("CITEWELL_SMTP_URL", "smtp://mail.example.org?tls=maybe"),
            ("CITEWELL_SMTP_URL", "smtps://mail.example.org?tls=none"),
            ("CITEWELL_SMTP_URL", "smtp://user@mail.example.org"),
            ("CITEWELL_SMTP_URL", "smtp://user:word@mail.example.org?tls=none"),
            ("CITEWELL_SMTP_CA_FILE", "nowhere.pem"),
            ("CITEWELL_SMTP_SECONDS", "0"),
            ("CITEWELL_MAIL_FROM", "Citewell"),
            ("CITEWELL_MAIL_FROM", "a@example.org, b@example.org"),
            ("CITEWELL_MAIL_FROM", "Eve\n<a@example.org>"),
            ("CITEWELL_MAIL_FROM", "ấn@example.org"),
            ("CITEWELL_SECRET_KEY", STRONG[:31]),
            ("CITEWELL_SECRET_KEY", "changeme" * 8),
            ("CITEWELL_ALLOWED_HOSTS", "docs.example.org,https://other.example.org"),
            ("CITEWELL_ALLOWED_HOSTS", "docs.example.org:8000"),
            ("CITEWELL_TRUSTED_PROXIES", "10.0.0.1,proxy.example.org"),
            ("CITEWELL_TRUSTED_PROXIES", "10.0.0.0/33"),
            ("CITEWELL_RATE_LIMIT_QUERIES", "-1"),
            ("CITEWELL_SECRET_KEY", "please-change_me-0123456789abcdef"),
            ("CITEWELL_SECRET_KEY", "abababababababababababababababababab"),
        ],
    )
    def test_bad_value_is_one_line_that_names_it(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)
        with pytest.raises(SettingsError) as caught:
            load_settings()
        assert str(caught.value).startswith(f"{name} has a bad value: ")
        assert "\n" not in str(caught.value)
        assert not name.endswith("KEY") or value not in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("redis_url", "redis://:word@localhost:6379/0"),
            ("redis_url", "rediss://localhost"),
            ("redis_url", "unix:///run/redis.sock"),
            ("public_url", "https://citewell.example.org"),
            ("public_url", "http://[::1]:8000"),
        ],
    )
    def test_address_is_taken_as_it_is(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(f"CITEWELL_{name.upper()}", value)
        assert getattr(load_settings(), name) == value

    def test_mail_needs_a_sender_and_an_address_of_its_own(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = "smtp://me%40x:s3cret@mail.example.org"
        monkeypatch.setenv("CITEWELL_SMTP_URL", url)
        for lacking, value in (
            ("CITEWELL_MAIL_FROM", "Citewell <no-reply@example.org>"),
            ("CITEWELL_PUBLIC_URL", "https://citewell.example.org"),
        ):
            with pytest.raises(SettingsError) as caught:
                load_settings()
            assert str(caught.value) == f"CITEWELL_SMTP_URL needs {lacking} to be set too."
            monkeypatch.setenv(lacking, value)
        settings = load_settings()
        assert "s3cret" not in repr(settings)
        place = mail_place(url)
        assert (place.host, place.port, place.security) == ("mail.example.org", 587, "starttls")
        assert (place.username, place.password) == ("me@x", "s3cret")
        assert "s3cret" not in repr(place)
        assert mail_place("smtps://mail.example.org").port == 465
        relay = mail_place("smtp://me:s3cret@localhost?tls=none")
        assert (relay.port, relay.security) == (25, "none")

    def test_strong_secret_key_is_taken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CITEWELL_SECRET_KEY", STRONG)
        settings = load_settings()
        assert settings.secret_key is not None
        assert settings.secret_key.get_secret_value() == STRONG
        assert STRONG not in repr(settings)

    def test_empty_value_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("SECRET_KEY", "REDIS_URL", "PUBLIC_URL", "BLOB_URL", "PORT"):
            monkeypatch.setenv(f"CITEWELL_{name}", "")
        settings = load_settings()
        assert (settings.secret_key, settings.redis_url, settings.port) == (None, None, 8000)

    @pytest.mark.parametrize("place", ["environment", "file"])
    def test_unknown_name_is_refused(
        self, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, place: str
    ) -> None:
        if place == "environment":
            monkeypatch.setenv("CITEWELL_PROT", "80")
        else:
            (elsewhere / ".env").write_text("CITEWELL_PROT=80\n")
        with pytest.raises(SettingsError, match="CITEWELL_PROT is not a setting"):
            load_settings()

    def test_origins_are_separated_by_commas(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CITEWELL_CORS_ORIGINS", "https://a.example, https://b.example,")
        assert load_settings().cors_origins == ("https://a.example", "https://b.example")

    def test_keys_are_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CITEWELL_LLM_API_KEY", "sk-very-secret")
        settings = load_settings()
        assert "sk-very-secret" not in repr(settings)
        assert settings.llm_api_key is not None
        assert settings.llm_api_key.get_secret_value() == "sk-very-secret"

    def test_home_does_not_move_with_the_working_folder(
        self, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = Settings(_env_file=None, home=Path("data"))  # pyright: ignore[reportCallIssue]
        monkeypatch.chdir("/")
        assert settings.home == elsewhere / "data"

    def test_vendor_keys_are_found_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
        assert found_vendor_keys() == ["OPENAI_API_KEY"]
        assert load_settings().llm == "none"


class TestIsSet:
    def test_environment_and_file_count(
        self, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CITEWELL_LOG_LEVEL", raising=False)
        monkeypatch.setenv("CITEWELL_PORT", "80")
        (elsewhere / ".env").write_text("export CITEWELL_LOG_LEVEL='info'\nCITEWELL_HOST=\n")
        assert is_set("port")
        assert is_set("log_level")
        assert not is_set("host")
        assert not is_set("threads")
