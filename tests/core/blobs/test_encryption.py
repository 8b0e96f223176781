"""Segments, bindings, and what an attacker with the disk can try."""

import hashlib
import io
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citewell.core.blobs.encryption import (
    HEADER_BYTES,
    SEGMENT_BYTES,
    TAG_BYTES,
    DamagedFileError,
    DataKey,
    EncryptingWriter,
    decrypt,
    encrypted_size,
    key_id_of,
)
from tests.examples import examples

KEY = DataKey(uuid.UUID(int=1), uuid.UUID(int=7), b"k" * 32)
OTHERS = DataKey(uuid.UUID(int=2), uuid.UUID(int=7), b"k" * 32)


def seal(path: Path, content: bytes, key: DataKey = KEY, *, step: int = 700_001) -> bytes:
    target = io.BytesIO()
    writer = EncryptingWriter(target, key)
    for start in range(0, len(content), step):
        writer.write(content[start : start + step])
    digest = hashlib.sha256(content).digest()
    writer.finish(digest)
    path.write_bytes(target.getvalue())
    return digest


def open_all(path: Path, digest: bytes, key: DataKey = KEY) -> bytes:
    return b"".join(decrypt(path, key, digest))


class TestRoundTrip:
    @pytest.mark.parametrize(
        "size",
        [0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 3 * SEGMENT_BYTES],
    )
    def test_content_of_any_length_comes_back(self, tmp_path: Path, size: int) -> None:
        content = hashlib.shake_128(b"x").digest(size)
        digest = seal(tmp_path / "f", content)
        assert open_all(tmp_path / "f", digest) == content
        assert (tmp_path / "f").stat().st_size == encrypted_size(size)
        assert key_id_of(tmp_path / "f") == KEY.id

    def test_same_content_twice_looks_different_and_shows_nothing(self, tmp_path: Path) -> None:
        content = b"canary in a coal mine" * 100
        seal(tmp_path / "a", content)
        seal(tmp_path / "b", content)
        first, second = (tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()
        assert b"canary" not in first
        assert first[HEADER_BYTES:] != second[HEADER_BYTES:]


class TestAttacks:
    @settings(
        max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(position=st.integers(0, 10**6), bit=st.integers(0, 7))
    def test_any_changed_bit_is_noticed(self, tmp_path: Path, position: int, bit: int) -> None:
        digest = seal(tmp_path / "f", b"some content" * 20)
        data = bytearray((tmp_path / "f").read_bytes())
        where = position % len(data)
        if 4 <= where < 20:
            return  # the key's id: it chooses the key, and a wrong key opens nothing
        data[where] ^= 1 << bit
        (tmp_path / "f").write_bytes(data)
        with pytest.raises(DamagedFileError):
            open_all(tmp_path / "f", digest)

    def test_cut_at_a_segment_is_noticed(self, tmp_path: Path) -> None:
        digest = seal(tmp_path / "f", b"x" * (2 * SEGMENT_BYTES))
        data = (tmp_path / "f").read_bytes()
        (tmp_path / "f").write_bytes(data[: HEADER_BYTES + SEGMENT_BYTES + TAG_BYTES])
        with pytest.raises(DamagedFileError):
            open_all(tmp_path / "f", digest)

    def test_segments_cannot_change_places(self, tmp_path: Path) -> None:
        digest = seal(tmp_path / "f", b"a" * SEGMENT_BYTES + b"b" * SEGMENT_BYTES + b"c")
        data, sealed = (tmp_path / "f").read_bytes(), SEGMENT_BYTES + TAG_BYTES
        first = data[HEADER_BYTES : HEADER_BYTES + sealed]
        second = data[HEADER_BYTES + sealed : HEADER_BYTES + 2 * sealed]
        rest = data[HEADER_BYTES + 2 * sealed :]
        (tmp_path / "f").write_bytes(data[:HEADER_BYTES] + second + first + rest)
        with pytest.raises(DamagedFileError):
            open_all(tmp_path / "f", digest)

    def test_another_content_in_its_place_is_refused_before_a_byte(self, tmp_path: Path) -> None:
        digest = seal(tmp_path / "f", b"the contract")
        seal(tmp_path / "g", b"the other contract")
        with pytest.raises(DamagedFileError, match="another"):
            next(decrypt(tmp_path / "g", KEY, digest))

    def test_file_of_another_tenant_is_refused_even_with_an_equal_key(self, tmp_path: Path) -> None:
        digest = seal(tmp_path / "f", b"the contract", OTHERS)
        with pytest.raises(DamagedFileError, match="another"):
            open_all(tmp_path / "f", digest)

    @pytest.mark.parametrize("data", [b"", b"CWF1", b"%PDF-1.7" + b"x" * 200])
    def test_what_is_no_stored_file_is_told(self, tmp_path: Path, data: bytes) -> None:
        (tmp_path / "f").write_bytes(data)
        with pytest.raises(DamagedFileError, match="header"):
            open_all(tmp_path / "f", b"\0" * 32)
