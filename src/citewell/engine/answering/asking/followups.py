"""Follow-up questions made to stand alone by rules: `And in winter?` after what was asked before.

The subject is carried over from the question before, in its own words; only an ordinal (`the second
one`) and a person (`she`) take words of the answer. A question that stands alone is left as it is:
a rule acts on an opening (`what about ...`), a pronoun with nothing before it that it could mean,
an ordinal without its noun, or a bare question word.
"""

from collections.abc import Sequence

from citewell.engine.answering.asking import followups_english, followups_vietnamese
from citewell.engine.answering.asking.carrying import Carried, DialogueTurn
from citewell.engine.text.language import detect_language

MAX_FOLLOW_UP = 300
"""Characters beyond which a question says by itself what it is about."""


def stand_alone(question: str, turns: Sequence[DialogueTurn]) -> Carried | None:
    """Get a follow-up with what it leaves out, or None if it stands alone.

    Args:
        question: As asked.
        turns: What was said before, oldest first; greetings and the like left out.
    """
    text = " ".join(question.split())
    if not turns or not text or len(text) > MAX_FOLLOW_UP:
        return None
    # A fragment tells its language less well than the question it goes on from.
    is_vietnamese = "vi" in (detect_language(text), detect_language(turns[-1].question))
    carry = followups_vietnamese.carry if is_vietnamese else followups_english.carry
    carried = carry(text, turns)
    if carried is None and is_vietnamese:
        carried = followups_english.carry(text, turns) if detect_language(text) == "en" else None
    if carried is None or carried.text.casefold() == text.casefold():
        return None
    return carried
