import pytest

from citewell.core.emails import InvalidEmailError, normalise_email


class TestNormalise:
    @pytest.mark.parametrize(
        ("written", "stored"),
        [
            (" Jane@Example.ORG ", "jane@example.org"),
            ("U\u0308@Mu\u0308ller.de\n", "ü@müller.de"),
            ("a'b+c@x.de", "a'b+c@x.de"),
            ("root@localhost", "root@localhost"),
        ],
    )
    def test_one_form_for_all_spellings(self, written: str, stored: str) -> None:
        assert normalise_email(written) == stored
        assert normalise_email(stored) == stored

    @pytest.mark.parametrize(
        "text",
        [
            "", " ", "@", "a", "a@", "@b.de", "a b@c.de", "a@@b.de", "a@b@c.de", "a..b@c.de",
            ".a@c.de", "a@-b.de", "a@b..de", "a@b.de.", "<a@b.de>", "a@b.de,c@d.de", "a\0@b.de",
            "a@b_c.de", "a@[127.0.0.1]", "x" * 65 + "@b.de", "a@" + "b" * 64 + ".de",
            "a@" + "b.de" * 70, "a@b\u200b.de", "\U00010d50@b.de", "a\ud800@b.de",
            "=?utf-8?q?a=0ab?=@c.de", "a=?@b.de",
        ],
    )  # fmt: skip
    def test_anything_but_one_address_is_refused_and_not_repeated(self, text: str) -> None:
        with pytest.raises(InvalidEmailError) as caught:
            normalise_email(text)
        assert len(text) < 3 or text not in caught.value.detail
