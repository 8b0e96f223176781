import multiprocessing
import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from citewell.core.errors import StartupError
from citewell.core.secrets import (
    adopt_next_key,
    derive_key,
    fingerprint,
    load_master_keys,
    make_next_key,
)
from citewell.core.settings import Settings


def settings_of(home: Path, secret_key: str | None = None, previous: str | None = None) -> Settings:
    """Settings with this home and secret, whatever the environment says."""
    return Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        home=home,
        secret_key=None if secret_key is None else SecretStr(secret_key),
        secret_key_previous=None if previous is None else SecretStr(previous),
    )


def load_many(home: Path, count: int) -> set[bytes]:
    """The keys that processes get that come for the first one at the same time."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(count)
    results = context.SimpleQueue()

    def load() -> None:
        barrier.wait()
        results.put(load_master_keys(settings_of(home)).primary)

    processes = [context.Process(target=load) for _ in range(count)]
    for process in processes:
        process.start()
    keys = {results.get() for _ in processes}
    for process in processes:
        process.join()
    return keys


class TestLoadMasterKeys:
    def test_first_start_makes_a_file_for_its_owner_alone(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        key = load_master_keys(settings_of(home)).primary
        assert len(key) == 32
        assert [path.name for path in home.iterdir()] == ["secret.key"]
        assert (home / "secret.key").stat().st_mode & 0o777 == 0o600
        assert load_master_keys(settings_of(home)).primary == key

    def test_two_homes_have_two_keys(self, tmp_path: Path) -> None:
        keys = {load_master_keys(settings_of(tmp_path / name)).primary for name in "ab"}
        assert len(keys) == 2

    def test_processes_starting_at_once_get_one_key(self, tmp_path: Path) -> None:
        for turn in range(5):
            home = tmp_path / str(turn)
            assert load_many(home, 6) == {load_master_keys(settings_of(home)).primary}
            assert [path.name for path in home.iterdir()] == ["secret.key"]

    def test_setting_decides_and_leaves_no_file(self, tmp_path: Path) -> None:
        one, other = "9f2c6d1be07a4385a1c2d3e4f5061728", "8f2c6d1be07a4385a1c2d3e4f5061728"
        key = load_master_keys(settings_of(tmp_path, one)).primary
        assert len(key) == 32
        assert key == load_master_keys(settings_of(tmp_path / "elsewhere", one)).primary
        assert key != load_master_keys(settings_of(tmp_path, other)).primary
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
    def test_file_open_to_others_is_refused(self, tmp_path: Path, mode: int) -> None:
        load_master_keys(settings_of(tmp_path))
        (tmp_path / "secret.key").chmod(mode)
        with pytest.raises(StartupError, match=r"^Others may read .* `chmod 600 [^\n]*$"):
            load_master_keys(settings_of(tmp_path))

    @pytest.mark.parametrize("content", [b"", b"ab" * 31, b"ab" * 33, b"x" * 64, b"\xff" * 64])
    def test_damaged_file_is_refused_and_kept(self, tmp_path: Path, content: bytes) -> None:
        load_master_keys(settings_of(tmp_path))
        (tmp_path / "secret.key").write_bytes(content)
        with pytest.raises(StartupError, match=r"is damaged\. Restore it from a backup[^\n]*$"):
            load_master_keys(settings_of(tmp_path))
        assert (tmp_path / "secret.key").read_bytes() == content

    def test_unreadable_file_is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "secret.key").mkdir()
        with pytest.raises(StartupError, match=r"cannot be used: Is a directory[^\n]*$"):
            load_master_keys(settings_of(tmp_path))

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
    def test_file_of_another_is_one_line(self, tmp_path: Path) -> None:
        load_master_keys(settings_of(tmp_path))
        (tmp_path / "secret.key").chmod(0)
        with pytest.raises(StartupError, match=r"cannot be used: Permission denied[^\n]*$"):
            load_master_keys(settings_of(tmp_path))


class TestDeriveKey:
    def test_purposes_are_independent(self) -> None:
        master = bytes(range(32))
        keys = {derive_key(master, purpose) for purpose in ("tokens", "tokens ", "blobs")}
        assert len(keys | {master}) == 4
        assert {len(key) for key in keys} == {32}

    def test_same_purpose_gives_the_same_key(self) -> None:
        assert derive_key(bytes(32), "tokens") == derive_key(bytes(32), "tokens")
        assert derive_key(bytes(32), "tokens") != derive_key(b"\x01" * 32, "tokens")


ONE, OTHER = "9f2c6d1be07a4385a1c2d3e4f5061728", "8f2c6d1be07a4385a1c2d3e4f5061728"


class TestExchange:
    def test_next_key_is_accepted_beside_the_first_and_then_takes_its_name(
        self, tmp_path: Path
    ) -> None:
        settings = settings_of(tmp_path)
        first = load_master_keys(settings).primary
        following = make_next_key(tmp_path)
        assert following == make_next_key(tmp_path), "an interrupted exchange goes on with it"
        assert load_master_keys(settings).all == (first, following)
        kept = adopt_next_key(tmp_path)
        assert load_master_keys(settings).all == (following,)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["secret.key", kept.name])
        assert bytes.fromhex(kept.read_text()) == first
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}

    def test_key_that_was_linked_before_a_kill_is_adopted_by_the_next_try(
        self, tmp_path: Path
    ) -> None:
        first = load_master_keys(settings_of(tmp_path)).primary
        following = make_next_key(tmp_path)
        kept = tmp_path / f"secret.key.{fingerprint(first).hex()[:8]}"
        kept.hardlink_to(tmp_path / "secret.key")
        assert adopt_next_key(tmp_path) == kept
        assert load_master_keys(settings_of(tmp_path)).primary == following

    def test_previous_setting_is_accepted_beside_the_new_one(self, tmp_path: Path) -> None:
        before = load_master_keys(settings_of(tmp_path, ONE)).primary
        keys = load_master_keys(settings_of(tmp_path, OTHER, ONE))
        assert keys.all == (load_master_keys(settings_of(tmp_path, OTHER)).primary, before)

    def test_file_is_accepted_beside_a_setting_that_replaces_it(self, tmp_path: Path) -> None:
        of_file = load_master_keys(settings_of(tmp_path)).primary
        assert load_master_keys(settings_of(tmp_path, ONE)).others == (of_file,)
        (tmp_path / "secret.key").write_text("damaged")
        assert load_master_keys(settings_of(tmp_path, ONE)).others == ()

    def test_keys_are_not_shown(self, tmp_path: Path) -> None:
        keys = load_master_keys(settings_of(tmp_path, ONE, OTHER))
        assert repr(keys) == "MasterKeys()"
