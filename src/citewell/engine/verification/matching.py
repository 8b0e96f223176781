"""Whether a sentence stands in another one, its words in order and in the same roles.

The content words of the sentence are laid over those of the quote from left to right. What the
quote has in between may be left out when that cannot change who does what: no boundary of a clause,
no negation, quantity, modality or hedge. A sentence turned round (passive, fronted circumstance,
`A is B` for `B, A`) is turned back first, see `turning`.
"""

from collections.abc import Sequence
from itertools import pairwise

from citewell.engine.verification import lexicon
from citewell.engine.verification.comparing import excludes, same
from citewell.engine.verification.ending import (
    Pattern,
    drops_head,
    ends_well,
    lacks_head,
    narrows,
)
from citewell.engine.verification.framing import is_told
from citewell.engine.verification.narrowing import (
    is_limited,
    is_narrowed,
    leaves_out_kind,
    mixes_values,
)
from citewell.engine.verification.tokens import Token, TokenKind

MAX_GAP = 14
"""Tokens of the quote that may be left out between two words of the sentence. Longer insertions
exist, but on the tuning halves what was further apart belonged to another statement as often."""

MAX_LEAD = 4
"""Content tokens between the beginning of a clause and the first word of the sentence: modifiers
of the subject (`the critically praised 2013 film`)."""


_AUXILIARY = 5
"""Tokens before a participle among which its `was` stands: `was not only cleaned but repaired`."""

_APPOSING = frozenset((",", "(", ":", "–", "—"))  # noqa: RUF001
_COLLECTIVE = frozenset(("group", "crowd", "pair", "couple", "bunch", "row", "team", "gang"))
"""`A group of clerks is waiting` says that clerks are."""

_RELATIVE = frozenset({"who", "which"})
_AND = frozenset({"and", "và"})
_POSSESSIVE = frozenset({"of", "của"})
"""Neutral between words that are said, but what follows it is not who does something."""
_BELONGING = frozenset({"của", "thuộc"})
_SUPERLATIVE = frozenset({"first", "last", "only"})
"""Left out before a predicate: the first or only one of a sort is one of that sort."""


def stands_in(
    pattern: Pattern, quote: Sequence[Token], language: str, *, differing: int | None = None
) -> bool:
    """Whether the quote says the pattern.

    Args:
        pattern: The sentence in one of its orders.
        quote: The tokens of one sentence.
        language: ISO 639-1 code.
        differing: Number of a token for which the quote must say something that excludes it:
            another number or date, an opposite word.
    """
    return _Embedding(pattern, quote, language, differing).exists()


class _Embedding:
    """Lays one pattern over one quote."""

    def __init__(
        self, pattern: Pattern, quote: Sequence[Token], language: str, differing: int | None
    ) -> None:
        self._pattern = pattern
        self._differing = differing
        self._quote = quote
        self._language = language
        self._critical = lexicon.CRITICAL.get(language, frozenset[str]())
        self._intending = lexicon.INTENDING.get(language, frozenset[str]())
        self._clause_words = lexicon.CLAUSE_WORDS.get(language, frozenset[str]())
        # Statements on a dog hold of an animal, but not of every or of no animal.
        is_plain = differing is None and not any(
            token.word in self._critical or token.key == "not" for token in pattern.tokens
        )
        self._kinds = lexicon.kinds(language) if is_plain else {}

    def exists(self) -> bool:
        """Search from left to right; `paths` holds for each end the tokens used to get there."""
        wanted = self._pattern.tokens
        if not wanted or not self._holds_all(wanted):
            return False
        places: list[list[int]] = []
        for number, word in enumerate(wanted):
            found = [
                at
                for at, token in enumerate(self._quote)
                if self._fits(number, word, token) and not (word.is_now and self._is_past(at))
            ]
            if not found:
                return False
            places.append(found)
        paths: dict[int, tuple[int, ...]] = {at: (at,) for at in places[0] if self._may_begin(at)}
        for number in range(1, len(wanted)):
            tight = self._pattern.is_contiguous_at
            is_tight = number == tight or (
                self._pattern.is_object and tight is not None and number > tight
            )
            following: dict[int, tuple[int, ...]] = {}
            for at in places[number]:
                # The nearest way to each place, which leaves out least. Only one is kept, so a
                # match that needs a longer way at the beginning and fits at the end is missed.
                for before in sorted(paths, reverse=True):
                    if (
                        before < at
                        and self._may_follow(number, before, at, is_tight=is_tight)
                        and not mixes_values(self._quote, (*paths[before], at))
                    ):
                        following[at] = (*paths[before], at)
                        break
            paths = following
            if not paths:
                return False
        return any(self._is_whole(path) for path in paths.values())

    def _fits(self, number: int, said: Token, found: Token) -> bool:
        if number == self._differing:
            return excludes(said, found, self._language)
        return same(said, found) or found.key in self._some_of(said)

    def _some_of(self, said: Token) -> frozenset[str]:
        """Keys of some of the kind, where the sentence is about some: `a vehicle`."""
        return self._kinds.get(said.key, frozenset()) if said.is_indefinite else frozenset()

    def _is_past(self, at: int) -> bool:
        """Whether a verb is not of the present: `owned`, but not in `is owned`."""
        verb = self._quote[at].word.partition("_")[0]
        before = self._quote[at - 1].word if at else ""
        is_past = verb.endswith("ed") or verb in ("led", "ran", "run", "worked")
        return (is_past and before not in ("is", "are")) or before in ("did", "was", "were", "be")

    def _holds_all(self, wanted: Sequence[Token]) -> bool:
        """Whether the quote has every word: cheap, and enough to refuse most quotes."""
        keys = {token.key for token in self._quote}
        return all(
            token.key in keys or not keys.isdisjoint(self._some_of(token))
            for number, token in enumerate(wanted)
            if token.kind in (TokenKind.WORD, TokenKind.RELATION) and number != self._differing
        )

    def _may_begin(self, at: int) -> bool:
        """Whether the quote can begin to say it here."""
        if self._pattern.is_free_start:
            return not self._is_of(at)
        if self._pattern.is_object:
            return self._is_done(at)
        may_lack = self._language == "vi" and at and not self._pattern.is_object_last
        if may_lack and lacks_head(self._quote[at - 1], self._pattern.tokens[0]):
            return False
        is_differing = self._differing is not None
        return self._begins_clause(at) and not is_narrowed(
            self._quote, at, self._pattern.everything, self._language, is_differing=is_differing
        )

    def _begins_clause(self, at: int) -> bool:
        """Whether nothing stands before it in its clause that another one would be about."""
        first = self._pattern.tokens[0]
        passed = 0
        for back in range(at - 1, -1, -1):
            token = self._quote[back]
            if token.kind is TokenKind.BOUNDARY:
                return token.key != "("
            word = token.word
            if word in lexicon.OPENERS.get(self._language, frozenset[str]()):
                return True
            # After a preposition or a possessive the word is not who does something: `the owner of
            # the dog bit the guard` does not say that the dog did.
            if token.kind is TokenKind.RELATION and first.kind is not TokenKind.RELATION:
                return False
            if word in self._clause_words or word in self._critical or word in self._intending:
                return False
            if word == "of" and back and self._quote[back - 1].word in _COLLECTIVE:
                return self._opens(back - 1)
            if token.key == "'s" or word in _POSSESSIVE:
                return False
            if token.is_content:
                passed += 1
                if passed > MAX_LEAD:
                    return False
        return True

    def _is_of(self, at: int) -> bool:
        """Whether `of` stands before it: `the lawyer of the owner, Ann Lee` leaves open who is."""
        while at and self._quote[at - 1].kind is TokenKind.NEUTRAL:
            at -= 1
            if self._quote[at].word in _POSSESSIVE:
                return True
        return False

    def _is_done(self, at: int) -> bool:
        """Whether somebody does it: a verb in a finite form, behind its subject alone.

        Nobody has bought what is `to be bought`, `planned to buy` or `said to be bought`.
        """
        verb = self._quote[at].word
        if self._language == "en" and not (
            lexicon.is_participle(verb, "en") or (verb.endswith("s") and not verb.endswith("ss"))
        ):
            return False
        doing = 0
        marks = lexicon.PASSIVE.get(self._language, frozenset[str]())
        for back in range(at - 1, -1, -1):
            token = self._quote[back]
            if token.kind is TokenKind.BOUNDARY or token.word in lexicon.OPENERS.get(
                self._language, frozenset[str]()
            ):
                break
            is_open = token.word in self._critical or token.word in self._clause_words
            is_open = is_open or token.word in self._intending
            if is_open or token.word in marks or token.word == "to":
                return False
            doing += token.is_content
        return 0 < doing <= MAX_LEAD

    def _clause_start(self, at: int) -> int:
        """Where the run of tokens without a mark begins that a token stands in."""
        while at > 0 and self._quote[at - 1].kind is not TokenKind.BOUNDARY:
            at -= 1
        return at

    def _opens(self, at: int) -> bool:
        """Whether nothing but `a` or an adjective stands before a word in its clause."""
        before = self._quote[self._clause_start(at) : at]
        is_plain = all(token.kind in (TokenKind.NEUTRAL, TokenKind.WORD) for token in before)
        words = {token.word for token in before}
        return is_plain and len(before) <= 2 and words.isdisjoint(self._critical)

    def _may_follow(self, number: int, before: int, at: int, *, is_tight: bool) -> bool:
        """Whether what stands between two tokens of the quote may be left out."""
        gap = self._quote[before + 1 : at]
        said = self._pattern.tokens[number]
        if said.is_passive and not self._is_passive(gap, at):
            return False
        if said.is_linked and not self._is_linked(gap):
            return False
        # The preposition of a date is left out of patterns.
        is_dated = self._quote[at].kind is TokenKind.DATE and bool(gap)
        if self._differing is not None and _is_attached(gap[:-1] if is_dated else gap):
            return False
        if is_tight:
            # `mua công ty của Bình Minh` does not say that `công ty Bình Minh` was bought.
            is_beside = said.start == self._pattern.tokens[number - 1].end + 1
            if is_beside and any(token.word in _POSSESSIVE for token in gap):
                return False
            return all(
                (token.kind is TokenKind.NEUTRAL and token.word not in _AND)
                or token.key in (",", ":", "(", '"')
                for token in gap
            )
        # `acquired Pellworth's rival in 2018`
        if gap and gap[0].key == "'s" and any(token.is_content for token in gap):
            return False
        gap = _without_insertions(gap)
        if not gap or self._is_list_of_names(gap, before, at):
            return True
        if len(gap) > MAX_GAP or not self._may_skip(gap, number, before, at):
            return False
        if self._language == "vi" and number > 1 and drops_head(gap, said):
            return False
        if self._is_of_some(gap, number, before):
            return False
        if self._pattern.tokens[number].kind is TokenKind.DATE:
            return True  # prepositions of dates are left out of patterns
        return not self._is_governed(gap, self._pattern.tokens[number - 1])

    def _is_of_some(self, gap: Sequence[Token], number: int, before: int) -> bool:
        """Whether what is left out says of which of its kind an amount is."""
        said, tokens = self._run(number, before), self._pattern.everything
        return narrows(gap, said, tokens[number:], self._language) or leaves_out_kind(
            gap, said, tokens, number, self._language
        )

    def _run(self, number: int, before: int) -> Sequence[Token]:
        """The words of the quote up to a place that the sentence has beside each other as well."""
        size = 1
        while (
            size < min(number, before + 1)
            and self._quote[before - size].key == self._pattern.tokens[number - 1 - size].key
        ):
            size += 1
        return self._quote[before - size + 1 : before + 1]

    def _is_passive(self, gap: Sequence[Token], at: int) -> bool:
        """Whether the verb of the quote is a passive, or describes what stands before it.

        `Ashgrove acquired Pellworth` does not say that Ashgrove was acquired. Without a `was`
        (`the kiln built in May`) nothing that the deed is done to may follow.
        """
        marks = lexicon.PASSIVE.get(self._language, frozenset[str]())
        # Vietnamese has the agent behind the mark: in `B được A mua` it is not A that is bought.
        near = self._quote[max(at - _AUXILIARY, 0) : at] if self._language == "en" else gap
        words = [token.word for token in near]
        # `risks being sold`
        if words[-1:] == ["being"] and near[-2:-1] and near[-2].is_content:
            return False
        if any(word in marks for word in words):
            return True
        if self._language != "en" and any(
            token.word in marks for token in self._quote[self._clause_start(at) : at]
        ):
            return False
        behind = self._quote[at + 1 : at + 3]
        if len(behind) == 2 and behind[0].word in _AND:  # `written and directed by`
            return lexicon.is_participle(behind[1].word, self._language)
        following = behind[0] if behind else None
        return following is None or following.kind in (
            TokenKind.RELATION,
            TokenKind.DATE,
            TokenKind.BOUNDARY,
        )

    def _is_linked(self, gap: Sequence[Token]) -> bool:
        """Whether two words are joined by `is` or stand beside each other: `Ann Lee, the owner`."""
        copulas = lexicon.COPULAS.get(self._language, frozenset[str]())
        marks = lexicon.PASSIVE.get(self._language, frozenset[str]())
        if any(token.word in copulas or token.word in marks for token in gap):
            return True
        if any(token.key in _APPOSING for token in gap if token.kind is TokenKind.BOUNDARY):
            return True
        return not any(token.is_content or token.word in _AND for token in gap)

    def _may_skip(self, gap: Sequence[Token], number: int, before: int, at: int) -> bool:
        """Whether each word between two tokens may be left out."""
        # `5 to 7 percent` is not 5 percent.
        if self._quote[before].kind is TokenKind.NUMBER and any(
            token.kind is TokenKind.NUMBER for token in gap
        ):
            return False
        content = [token for token in gap if token.is_content and token.word not in _RELATIVE]
        is_predicate = 0 < self._pattern.predicate <= number
        for place, token in enumerate(gap):
            word = token.word
            if token.kind is TokenKind.BOUNDARY and token.key not in ('"', "“", "”", "("):
                # A comma between two words that the sentence joins as well: an enumeration.
                if token.key in (",", ":") and not content:
                    continue
                return False
            if self._is_critical(gap, place, at) and not (is_predicate and word in _SUPERLATIVE):
                return False
            if word in self._clause_words and not (
                self._is_participle(gap, place, at)
                or (word in _AND and self._may_skip_and(gap, place, at, len(content), is_predicate))
                or (word in _AND and self._is_title(gap, number))
                or (word in _RELATIVE and self._is_told_of(gap, place, before))
            ):
                return False
            # `closed the car park of the bridge` does not say that the bridge was.
            if (
                word in _BELONGING
                and content
                and not any(other.is_content for other in gap[place + 1 :])
            ):
                return False
            # `Ruth's brother manages the plant` does not say that Ruth does.
            if (
                token.key == "'s"
                and content
                and self._pattern.tokens[number].kind is TokenKind.WORD
            ):
                return False
        return True

    def _is_told_of(self, gap: Sequence[Token], place: int, before: int) -> bool:
        """Whether a clause set off by a comma tells of the words right before it: `Ann Lee, who`.

        Of `the brother of Ann Lee, who died` it is open who did, and `the dogs that bark` are not
        all of them.
        """
        is_set_off = place == 1 and gap[0].key == ","
        if not is_set_off or any(token.is_content for token in gap[place + 1 :]):
            return False
        for at in range(before, -1, -1):
            token = self._quote[at]
            if token.kind is TokenKind.BOUNDARY:
                return True
            if token.word in self._clause_words:
                return token.word not in _AND  # `Ann Lee and Bo Ek, who` is of both
            is_within_name = (
                token.word in _POSSESSIVE
                and self._quote[at - 1].is_name
                and self._quote[at + 1].is_name
            )
            if token.kind is TokenKind.RELATION or token.key == "'s":
                return False
            if token.word in _POSSESSIVE and not is_within_name:
                return False
        return True

    def _is_participle(self, gap: Sequence[Token], place: int, at: int) -> bool:
        """Whether what is left out ends where its subject does something else: `while sweeping`."""
        is_last = place == len(gap) - 1
        if not is_last or gap[place].word != "while" or not self._quote[at].text.endswith("ing"):
            return False
        # In `while working machines hum` it describes the next word.
        following = self._quote[at + 1] if at + 1 < len(self._quote) else None
        copulas = lexicon.COPULAS.get(self._language, frozenset[str]())
        return following is None or (
            following.kind not in (TokenKind.WORD, TokenKind.NUMBER)
            and following.word not in copulas
        )

    def _is_list_of_names(self, gap: Sequence[Token], before: int, at: int) -> bool:
        """Whether other names of a list are left out: `by Ann Lee, Bo Ek and` before `Cy Fox`."""
        return (
            self._quote[before].kind is TokenKind.RELATION
            and self._quote[at].is_name
            and gap[0].is_name
            and (gap[-1].key == "," or gap[-1].word in _AND)
            and all(token.is_name or token.word in _AND or token.key in (",", '"') for token in gap)
            and self._ends_list(at)
        )

    def _ends_list(self, at: int) -> bool:
        """Whether nothing but names and a date follows: the name is no subject of a verb."""
        for before, token in pairwise(self._quote[at:]):
            if token.kind is TokenKind.BOUNDARY and token.key in (".", ";", "!", "?", ")"):
                return True
            is_listed = token.is_name or token.word in _AND or token.key in (",", '"')
            if before.word in _AND and before is not self._quote[at] and token.text.endswith("ed"):
                return True  # the next thing that was done: `and released by`
            if (
                not is_listed
                and token.kind is not TokenKind.DATE
                and token.word not in ("in", "on")
            ):
                return False
        return True

    def _is_critical(self, gap: Sequence[Token], place: int, at: int) -> bool:
        """Whether a word that is left out changes how much, how surely or whether at all."""
        word = gap[place].word
        if word in self._critical:
            return True
        return word in lexicon.MEASURING.get(self._language, frozenset[str]()) and any(
            token.kind is TokenKind.NUMBER
            for token in (*gap[place + 1 : place + 3], self._quote[at])
        )

    def _may_skip_and(
        self, gap: Sequence[Token], place: int, at: int, content: int, is_predicate: bool
    ) -> bool:
        """Whether `and` joins what is left out to what is said, not one statement to another."""
        if place == len(gap) - 1:
            # `is kept by the chair and signed`: one subject does both
            return not self._quote[at].is_name or self._ends_list(at)
        if place == 0:
            return content <= 1  # `actor and singer Danny`: one more of a kind
        # One copula: with two, `and` joins statements rather than what somebody is.
        copulas = lexicon.COPULAS.get(self._language, frozenset[str]())
        # `is a Mexican and American comedian`
        return is_predicate and content <= 4 and sum(token.word in copulas for token in gap) == 1

    def _is_title(self, gap: Sequence[Token], number: int) -> bool:
        """Whether what is left out is what somebody is, before the name: `by the actor and`."""
        said = self._pattern.tokens
        return (
            said[number].is_name
            and said[number - 1].kind is TokenKind.RELATION
            and not any(token.is_name for token in gap)
        )

    def _is_governed(self, gap: Sequence[Token], previous: Token) -> bool:
        """Whether a preposition that the sentence lacks stands right before the token."""
        for token in reversed(gap):
            if token.kind is TokenKind.RELATION:
                return previous.kind is not TokenKind.RELATION
            if token.kind is not TokenKind.NEUTRAL:
                return False
        return False

    def _is_whole(self, path: Sequence[int]) -> bool:
        """Whether what stands around the match does not take back or narrow what it says."""
        first, last = path[0], path[-1]
        said = {token.word for token in self._pattern.tokens}
        said |= {token.word for token in self._pattern.fronted}
        keys = {token.key for token in (*self._pattern.tokens, *self._pattern.fronted)}
        conditions = lexicon.CONDITIONS.get(self._language, frozenset[str]())
        if any(
            token.word in conditions and token.word not in said and not self._is_sole(at)
            for at, token in enumerate(self._quote)
        ):
            return False
        return (
            self._clause_is_plain(first, last)
            and ends_well(self._pattern, self._quote, last, self._language)
            and not is_limited(self._pattern, self._quote, path, self._language)
            and self._has_fronted(path)
            and is_told(self._quote, path, keys, self._language)
        )

    def _is_sole(self, at: int) -> bool:
        """Whether `only` describes what somebody is: the only one of a sort is one of that sort."""
        before = [token.word for token in self._quote[max(at - 2, 0) : at]]
        is_described = before[-1:] == ["the"] or before == ["first", "and"]
        return self._pattern.predicate > 0 and self._quote[at].word == "only" and is_described

    def _clause_is_plain(self, first: int, last: int) -> bool:
        """No negation or the like in the clause beyond the sentence's own."""
        start = self._clause_start(first)
        end = last
        while end + 1 < len(self._quote) and self._quote[end + 1].kind is not TokenKind.BOUNDARY:
            if self._quote[end + 1].word in self._clause_words:
                break
            end += 1
        negators = lexicon.NEGATORS.get(self._language, frozenset[str]())
        return not any(
            (token.key if token.key == "not" else token.word) in negators
            and token.key not in {word.key for word in self._pattern.tokens}
            for token in self._quote[start : end + 1]
        )

    def _has_fronted(self, path: Sequence[int]) -> bool:
        """Whether the circumstance stands as a block in the clause of the match."""
        wanted = self._pattern.fronted
        if not wanted:
            return True
        first, last = path[0], path[-1]
        for at in range(len(self._quote)):
            end = self._block_end(at, wanted)
            if end is None:
                continue
            if end > first and at <= last:
                if not any(at <= used < end for used in path):
                    return True
                continue
            between = self._quote[end:first] if end <= first else self._quote[last + 1 : at]
            words = {token.word for token in between}
            marks = [token for token in between if token.kind is TokenKind.BOUNDARY]
            opens = at == 0 or self._quote[at - 1].kind is TokenKind.BOUNDARY
            # Before the match it has to open its clause and be set off by one comma: `In spring,
            # the price rose`.
            is_before = end <= first and opens and len(marks) == 1 and marks[0].key == ","
            if (
                len(between) <= MAX_GAP
                and not words & self._clause_words
                and (not marks or is_before)
            ):
                return True
        return False

    def _block_end(self, at: int, wanted: Sequence[Token]) -> int | None:
        """Where a run of the wanted tokens that begins here ends, neutral words apart."""
        number = 0
        for place in range(at, len(self._quote)):
            token = self._quote[place]
            if same(wanted[number], token):
                number += 1
                if number == len(wanted):
                    return place + 1
            elif number == 0 or token.kind is not TokenKind.NEUTRAL:
                return None
        return None


def _is_attached(gap: Sequence[Token]) -> bool:
    """Whether what is left out may be what a number belongs to.

    Of `two people at a table of five couples kissing` it is not denied that ten people kiss.
    """
    return any(token.kind in (TokenKind.RELATION, TokenKind.NUMBER) for token in gap)


def _without_insertions(gap: Sequence[Token]) -> list[Token]:
    """The gap without what stands in brackets or between two commas."""
    kept: list[Token] = []
    at = 0
    # The next mark of the same kind closes, nesting is not looked at. Two commas of an enumeration
    # look like an insertion, so a member between them may be left out.
    closers = {"(": ")", ",": ",", "–": "–", "—": "—", "[": "]"}  # noqa: RUF001
    while at < len(gap):
        closer = closers.get(gap[at].key) if gap[at].kind is TokenKind.BOUNDARY else None
        if closer is not None:
            end = next(
                (
                    n
                    for n in range(at + 1, len(gap))
                    if gap[n].kind is TokenKind.BOUNDARY and gap[n].key == closer
                ),
                None,
            )
            if end is not None:
                at = end + 1
                continue
        kept.append(gap[at])
        at += 1
    return kept
