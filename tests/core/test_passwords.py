import asyncio
import threading
import unicodedata

import pytest

from citewell.core.errors import UnavailableError
from citewell.core.passwords import (
    MAX_PASSWORD_BYTES,
    HashingQueue,
    WeakPasswordError,
    check_password_rules,
    hash_password,
    verify_password,
)
from tests.waiting import PATIENCE

GOOD = [
    "plum-anchor-violet-desk",
    "trombone gravel seven lamp",
    "tuyết voi con mèo đèn ăn cá",
    "xK9#mQ2$vL7@nR4",
    "the quick brown fox jumps",
    "Quiet-Harbour-71-lantern",
    "крокодил рисует зонтик",
]
WEAK = [
    "password1234567", "Passw0rd!Passw0rd!", "P@ssw0rd2026!!!!", "aaaaaaaaaaaaaaaaa",
    "abcdefghijklmnop", "zyxwvutsrqponml", "qwertyuiopasdfgh", "1q2w3e4r5t6y7u8i",
    "abcabcabcabcabcabc", "123456789012345", "correct horse battery staple", "iloveyou iloveyou",
    "matkhau123456789", "mật khẩu của tôi", "administrator12345", "letmeinletmein99",
    "Citewell-Admin-2026!", "welcome to citewell 1", "Jane.Doe@Example.com", "janedoe-secret-2026",
    "Jörgensen2026!!!", "acme corporation 1",
]  # fmt: skip


class TestRules:
    @pytest.mark.parametrize("password", GOOD)
    def test_words_that_do_not_belong_together_are_accepted(self, password: str) -> None:
        check_password_rules(password, "jane.doe@example.com", "Jane Jörgensen", "acme")
        assert len(password) >= 15

    @pytest.mark.parametrize("password", WEAK)
    def test_what_is_easily_guessed_is_refused_with_the_reason(self, password: str) -> None:
        with pytest.raises(WeakPasswordError) as caught:
            check_password_rules(
                password, "jane.doe@example.com", "Jane Jörgensen", "acme corporation"
            )
        assert caught.value.code == "weak_password"
        assert password not in caught.value.detail

    @pytest.mark.parametrize("password", ["", " ", "x7#kQ", "plum-anchor-vi"])
    def test_fewer_than_15_characters_are_refused(self, password: str) -> None:
        with pytest.raises(WeakPasswordError, match="15 characters"):
            check_password_rules(password)

    def test_letters_count_once_however_they_are_composed(self) -> None:
        with pytest.raises(WeakPasswordError, match="15 characters"):
            check_password_rules(unicodedata.normalize("NFD", "ấốểữịẫầẩợệ"))

    def test_1024_bytes_are_accepted_and_no_more(self) -> None:
        words = "plum-anchor-violet-desk trombone gravel seven lamp ".ljust(MAX_PASSWORD_BYTES, "~")
        check_password_rules(words)
        with pytest.raises(WeakPasswordError, match="1,024 bytes"):
            check_password_rules(words + "~")


class TestHashes:
    async def test_only_the_password_itself_fits(self) -> None:
        stored = await hash_password("plum-anchor-violet-desk")
        assert stored.startswith("$argon2id$v=19$m=32768,t=2,p=1$")
        assert await verify_password("plum-anchor-violet-desk", stored)
        assert not await verify_password("plum-anchor-violet-desk ", stored)
        assert not await verify_password("", stored)
        assert stored != await hash_password("plum-anchor-violet-desk")

    async def test_the_same_letters_fit_however_they_were_composed(self) -> None:
        stored = await hash_password(unicodedata.normalize("NFD", "tuyết đèn"))
        assert await verify_password(unicodedata.normalize("NFC", "tuyết đèn"), stored)

    @pytest.mark.parametrize("stored", [None, "", "x", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"])
    async def test_nothing_fits_where_there_is_no_hash(self, stored: str | None) -> None:
        for password in ("", "plum-anchor-violet-desk"):
            assert not await verify_password(password, stored)

    async def test_a_longer_text_with_the_same_beginning_does_not_fit(self) -> None:
        longest = "a" * MAX_PASSWORD_BYTES
        assert not await verify_password(longest + "b", await hash_password(longest))

    async def test_a_crowd_is_told_to_come_again_and_few_threads_work(self) -> None:
        queue, gate = HashingQueue(max_waiting=30), threading.Event()
        crowd = [asyncio.ensure_future(queue.run(gate.wait)) for _ in range(50)]
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait(crowd[30:])
            gate.set()
            told = await asyncio.gather(*crowd, return_exceptions=True)
        assert sum(isinstance(one, UnavailableError) for one in told) == 20
        assert told.count(True) == 30
        names = [thread.name for thread in threading.enumerate()]
        assert sum(name.startswith("password") for name in names) <= 4
