"""What a quote says of some, or on some days, is not accepted of all."""

from citewell.engine.verification.grading import Grade, grade_sentence


def accepted(pairs: tuple[tuple[str, str], ...], language: str = "en") -> list[str]:
    """The quotes of those pairs of sentence and quote whose sentence is accepted."""
    return [
        quote
        for sentence, quote in pairs
        if grade_sentence(sentence, [quote], language=language).grade in (Grade.QUOTED, Grade.CLOSE)
    ]


class TestTwoValues:
    def test_value_with_what_belongs_to_the_other_is_not_accepted(self):
        assert (
            accepted(
                (
                    (
                        "The kiosk shuts at 18:20 on Tuesdays.",
                        "The kiosk shuts at 18:20 from Friday to Sunday and at 17:05 on Tuesdays.",
                    ),
                    (
                        "Tours start at 10:40 on Sundays.",
                        "Tours start at 10:40 on Saturdays and at 11:25 on Sundays.",
                    ),
                    ("The pool opens at 4 in May.", "The pool opens at 4 in June and at 3 in May."),
                    (
                        "Kestrel opened a depot in 2014 in Turin.",
                        "Kestrel opened a depot in 2014 in Leeds and in 2016 in Turin.",
                    ),
                    (
                        "The kiosk shuts on Tuesdays at 18:20.",
                        "The kiosk shuts on Tuesdays at 17:05 and on Sundays at 18:20.",
                    ),
                )
            )
            == []
        )
        assert (
            accepted(
                (
                    (
                        "Quầy vé đóng lúc 18h20 vào thứ ba.",
                        "Quầy vé đóng lúc 18h20 vào chủ nhật và lúc 17h05 vào thứ ba.",
                    ),
                    (
                        "Quầy vé đóng vào thứ ba lúc 18h20.",
                        "Quầy vé đóng vào thứ ba lúc 17h05 và vào chủ nhật lúc 18h20.",
                    ),
                ),
                "vi",
            )
            == []
        )

    def test_each_value_with_its_own_is_accepted(self):
        quote = "The kiosk shuts at 18:20 on Sundays and at 17:05 on Tuesdays."
        pairs = (
            ("The kiosk shuts at 18:20 on Sundays.", quote),
            ("The kiosk shuts at 17:05 on Tuesdays.", quote),
        )
        assert accepted(pairs) == [quote, quote]
