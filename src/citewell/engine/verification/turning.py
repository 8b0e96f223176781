"""The other orders in which a sentence may stand in a quote and say the same."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from citewell.engine.verification import lexicon
from citewell.engine.verification.ending import Pattern
from citewell.engine.verification.tokens import Token, TokenKind

MAX_CONTENT = 40
"""Content tokens of a sentence that is compared; longer ones are no single statement."""

_PASSIVE = frozenset({"is", "are", "was", "were", "be", "been", "being"})
_VIETNAMESE_PASSIVE = frozenset({"được", "bị"})
_CONVERSES = {
    "en": (
        ("borrow", "lend", "from", "to"),
        ("buy", "sell", "from", "to"),
        ("receiv", "give", "from", "to"),
        ("receiv", "pay", "from", "to"),
        ("receiv", "send", "from", "to"),
        ("rent", "leas", "from", "to"),
        ("leas", "leas", "from", "to"),
        ("rent", "rent", "from", "to"),
        ("inherit", "leav", "from", "to"),
        ("learn", "teach", "from", "to"),
    ),
}
"""A does one thing with C from B where B does the other with C to A: verbs, then relations."""


def patterns(sentence: Sequence[Token], language: str) -> Iterator[Pattern]:
    """Yield the orders to look for, the sentence's own first."""
    sentence = _with_indefinites(sentence) if language == "en" else sentence
    content = _content(sentence)
    if not content or len(content) > MAX_CONTENT:
        return
    for pattern in _orders(sentence, content, language):
        yield pattern
        yield from _inverted(pattern, language)


_DEFINITE = lexicon.words("the its his her their our your my this these")


def _with_indefinites(sentence: Sequence[Token]) -> list[Token]:
    """Mark what a sentence says of some (`a red vehicle`, `there are vehicles`) and of the one."""
    marked: list[Token] = []
    for at, token in enumerate(sentence):
        # One word may describe it; with two the article is as often another noun's.
        before = [other.word for other in sentence[max(at - 3, 0) : at]]
        described = at > 0 and sentence[at - 1].kind is TokenKind.WORD
        near = before[:-1] if described else before
        is_some = near[-1:] in (["a"], ["an"]) or near[-2:] in (["there", "is"], ["there", "are"])
        is_some = is_some or token.word in ("someone", "somebody")
        is_definite = before[-1:] != [] and before[-1] in _DEFINITE
        marked.append(replace(token, is_indefinite=is_some, is_definite=is_definite))
    return marked


def _orders(
    sentence: Sequence[Token], content: tuple[Token, ...], language: str
) -> Iterator[Pattern]:
    # Turned round a passive is none and what somebody is stands elsewhere.
    linked = _with_links(sentence, language)
    content = _content(linked)
    yield Pattern(content)
    if predicate := _predicate(sentence, language):
        yield Pattern(content, predicate=predicate, is_loose=_is_loose(sentence, language))
    yield from _unfronted(linked)
    yield from _turned(sentence, language)


def _with_links(sentence: Sequence[Token], language: str) -> list[Token]:
    """Mark verbs in the passive, and the first word of what somebody is."""
    marked = list(sentence)
    passive = lexicon.PASSIVE.get(language, frozenset[str]())
    copulas = lexicon.COPULAS.get(language, frozenset[str]()) | (
        _PASSIVE if language == "en" else frozenset[str]()
    )
    for at, token in enumerate(sentence):
        if token.word not in passive and token.word not in copulas:
            continue
        behind = [n for n in range(at + 1, len(sentence)) if sentence[n].is_content][:2]
        # `was not built`, `was recently built`
        is_put_off = bool(behind) and (
            sentence[behind[0]].key == "not" or sentence[behind[0]].word.endswith("ly")
        )
        for place in behind[: 2 if is_put_off else 1]:
            word = sentence[place]
            if word.kind is TokenKind.WORD and _is_done(word, language):
                marked[place] = replace(word, is_passive=True)
                break
        else:
            if behind and token.word in copulas and _is_what(sentence[behind[-is_put_off]]):
                marked[behind[0]] = replace(sentence[behind[0]], is_linked=True)
    return marked


def _is_done(verb: Token, language: str) -> bool:
    return lexicon.is_participle(verb.word, language) or language == "vi"


def _is_what(word: Token) -> bool:
    """Whether a word behind `is` may say what somebody is: no place, no `-ing`."""
    is_place = word.kind in (TokenKind.RELATION, TokenKind.DATE)
    return not is_place and not word.text.endswith("ing")


def _inverted(pattern: Pattern, language: str) -> Iterator[Pattern]:
    """`A supervises B` for `B reports to A`."""
    for at, token in enumerate(pattern.tokens[1:-1], start=1):
        for inverse in lexicon.inverses(language).get(token.key, ()):
            turned = Token(token.kind, inverse, inverse, 0, 0, is_now=token.is_now)
            yield Pattern(
                (*pattern.tokens[at + 1 :], turned, *pattern.tokens[:at]), fronted=pattern.fronted
            )


_DASHES = ("–", "—", "-")  # noqa: RUF001
_MOST_NAMES = 6
_PLACED = r"(?:,n+|in+(?:,n+)?)?"
_LIFE = re.compile(rf"(?P<born>b)?c?(?P<first>d){_PLACED}(?:(?:-|[-,]?x)c?(?P<last>d){_PLACED})?")
"""Contents of a bracket with dates of a life: dates, dash and places, a letter for each token."""

_LETTERS = {
    "born": "b", "b": "b", "died": "x", "d": "x", "c": "c", "ca": "c", "circa": "c", "in": "i",
    ",": ",", ".": "",
} | dict.fromkeys(_DASHES, "-")  # fmt: skip


def unfolded(quote: Sequence[Token], language: str) -> Iterator[list[Token]]:
    """`A was born on B`, `A died on C` for `A (B to C) was ...` and `A (born B) was ...`."""
    if language != "en":
        return
    opens = next((at for at, token in enumerate(quote) if token.key == "("), 0)
    name = list(quote[:opens])
    # A whole sentence's first words, so that it is their own dates that follow.
    if not 0 < opens <= _MOST_NAMES or not all(token.is_name for token in name):
        return
    closes = next((at for at in range(opens, len(quote)) if quote[at].key == ")"), len(quote))
    inside = _without_asides([token for token in quote[opens + 1 : closes] if token.key != "."])
    letters = "".join(map(_letter, inside))
    # Of `(mayor 1986-1994)` and `(born Smith, married 3 May 1990)` no life is told.
    life = _LIFE.fullmatch(letters) if len(letters) == len(inside) else None
    if life is None or not (life["born"] or life["last"]):
        return
    for event, group in (("born", "first"), ("died", "last")):
        if life[group]:
            key = lexicon.synonym_key(lexicon.stem(event, "en"), "en")
            date = inside[life.start(group)]
            yield [*name, Token(TokenKind.WORD, key, event, 0, 0), date]


def _without_asides(inside: list[Token]) -> list[Token]:
    """A bracket without how the name is spoken, `[ada];`, and without the name at birth."""
    closing = next((at for at, token in enumerate(inside) if token.key == "]"), None)
    if closing is not None and inside[0].key == "[":
        inside = inside[closing + 1 :]
    if inside and inside[0].key == ";":
        inside = inside[1:]
    # `born Ada Smith; 4 June 1870`: the name goes, the birth stays.
    part = next((at for at, token in enumerate(inside) if token.key == ";"), None)
    if part is None or inside[0].word not in ("born", "né", "née"):
        return inside
    is_named = all(token.is_name for token in inside[1:part])
    return [inside[0], *inside[part + 1 :]] if is_named else inside


def _letter(token: Token) -> str:
    if token.kind is TokenKind.DATE:
        return "d"
    return _LETTERS.get(token.word, "n" if token.is_name else "?")


def clauses(sentence: Sequence[Token], language: str) -> list[list[Token]]:
    """The statements a sentence joins by a conjunction or semicolon; one if it joins none."""
    joints = {"en": {"and", "while", "but", "whereas"}, "vi": {"và", "còn", "nhưng"}}
    words = joints.get(language, set[str]())
    parts: list[list[Token]] = [[]]
    for token in sentence:
        is_joint = token.text.casefold() in words or (
            token.kind is TokenKind.BOUNDARY and token.key == ";"
        )
        # A statement needs a subject and a predicate; `salt and pepper` has one word before the
        # joint.
        if is_joint and len(_content(parts[-1])) >= 2:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts if all(len(_content(part)) >= 2 for part in parts) else [list(sentence)]


def _predicate(sentence: Sequence[Token], language: str) -> int:
    """Which content token begins the predicate of `A is a B` or `A is B`; 0: none does."""
    copulas = lexicon.COPULAS.get(language, frozenset[str]())
    for at, token in enumerate(sentence):
        if token.text.casefold() in copulas:
            following = sentence[at + 1].text.casefold() if at + 1 < len(sentence) else ""
            rest = _content(sentence[at + 1 :])
            # `is a singer` follows from `is an actor and singer`; a definite predicate (`is the
            # head`) names one, and nothing may be left out before it.
            is_indefinite = following in ("a", "an", "một") or len(rest) == 1
            return len(_content(sentence[:at])) if rest and is_indefinite else 0
    return 0


def _is_loose(sentence: Sequence[Token], language: str) -> bool:
    """Whether the predicate is nothing that was done and not the one of its sort: `is American`."""
    copulas = lexicon.COPULAS.get(language, frozenset[str]())
    at = next(n for n, token in enumerate(sentence) if token.text.casefold() in copulas)
    word = sentence[at + 1].word if at + 1 < len(sentence) else "the"
    return word != "the" and not lexicon.is_participle(word, language)


_DATING = frozenset({"in", "on", "vào", "trong"})


def _content(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """The tokens a quote must have; a preposition before a date adds nothing."""
    kept: list[Token] = []
    for token in tokens:
        if token.kind is TokenKind.DATE and kept and kept[-1].text.casefold() in _DATING:
            kept.pop()
        if token.is_content:
            kept.append(token)
    return tuple(kept)


def _unfronted(sentence: Sequence[Token]) -> Iterator[Pattern]:
    """`In spring the price rose` for `the price rose in spring`, and the reverse."""
    content = _content(sentence)
    first = content[0]
    # Five tokens at most: each length is one more pattern to look for.
    if first.kind in (TokenKind.RELATION, TokenKind.DATE):
        for size in range(1, min(6, len(content) - 1)):
            if content[size].kind is not TokenKind.RELATION:
                yield Pattern(content[size:], fronted=content[:size])
    for size in range(1, min(6, len(content) - 1)):
        tail = content[-size:]
        if tail[0].kind in (TokenKind.RELATION, TokenKind.DATE) and len(content) - size >= 2:
            yield Pattern(content[:-size], fronted=tail)


def _turned(sentence: Sequence[Token], language: str) -> Iterator[Pattern]:
    yield from _active(sentence, language)
    yield from _agentless(sentence, language)
    yield from _passive(sentence, language)
    yield from _apposition(sentence, language)
    yield from _agent(sentence, language)
    yield from _converse(sentence, language)


def _active(sentence: Sequence[Token], language: str) -> Iterator[Pattern]:
    """`B was bought by A in May` for `A bought B in May`."""
    if language == "vi":
        yield from _vietnamese_active(sentence)
        return
    tokens = [token for token in sentence if token.kind is not TokenKind.BOUNDARY]
    # Of a sentence with two passives only the first is turned.
    auxiliary = next(
        (n for n, token in enumerate(tokens) if token.text.casefold() in _PASSIVE), None
    )
    agent = next((n for n, token in enumerate(tokens) if token.text.casefold() == "by"), None)
    if auxiliary is None or agent is None or agent <= auxiliary:
        return
    subject, verb = _content(tokens[:auxiliary]), _content(tokens[auxiliary + 1 : agent])
    rest = _content(tokens[agent + 1 :])
    if not subject or not verb or not rest:
        return
    head = next((n for n, token in enumerate(verb) if token.kind is TokenKind.RELATION), len(verb))
    if not head:
        return
    verb, recipient = verb[:head], verb[head:]
    for size in range(1, len(rest) + 1):
        if size == len(rest) or rest[size].kind in (TokenKind.RELATION, TokenKind.DATE):
            circumstance = rest[size:]
            said = (*rest[:size], *verb, *subject, *recipient)
            yield Pattern((*said, *circumstance), is_object_last=not (circumstance or recipient))
            yield Pattern(said, fronted=circumstance, is_object_last=not recipient)


def _agentless(sentence: Sequence[Token], language: str) -> Iterator[Pattern]:
    """`B was bought in May` for `A bought B in May`."""
    marks = {"en": _PASSIVE, "vi": _VIETNAMESE_PASSIVE}.get(language, frozenset[str]())
    tokens = [token for token in sentence if token.kind is not TokenKind.BOUNDARY]
    at = next((n for n, token in enumerate(tokens) if token.word in marks), None)
    if at is None:
        return
    subject, said = _content(tokens[:at]), _content(tokens[at + 1 :])
    fronted: tuple[Token, ...] = ()
    if subject and subject[0].kind is TokenKind.DATE:
        subject, fronted = subject[1:], subject[:1]
    if not subject or not said or not _is_done(said[0], language):
        return
    tail = said[1:]
    if tail and tail[0].kind not in (TokenKind.RELATION, TokenKind.DATE):
        return
    if any(token.key == "by" for token in tail) or (tail and fronted):
        return
    # The object ends the match, so that `the shares of B` and `the B shares` are not B.
    yield Pattern((said[0], *subject), is_contiguous_at=1, is_object=True, fronted=tail or fronted)


def _vietnamese_active(sentence: Sequence[Token]) -> Iterator[Pattern]:
    """`B được A mua`, `B do A trả` for `A mua B`, `A trả B`."""
    tokens = [token for token in sentence if token.kind is not TokenKind.BOUNDARY]
    recipient = Token(TokenKind.RELATION, "cho", "cho", 0, 0)
    for at, token in enumerate(tokens):
        word = token.text.casefold()
        if word not in _VIETNAMESE_PASSIVE and word not in ("do", "bởi"):
            continue
        subject = _content(tokens[:at])
        rest = _content(tokens[at + 1 :])
        modal: tuple[Token, ...] = ()
        # `B phải do A trả`: the obligation goes with the verb, `A phải trả B`.
        if subject and subject[-1].text.casefold() == "phải":
            subject, modal = subject[:-1], subject[-1:]
        fronted: tuple[Token, ...] = ()
        if subject and subject[0].kind is TokenKind.DATE:
            subject, fronted = subject[1:], subject[:1]
        if not subject:
            continue
        # Nothing marks where the agent ends or the verb, so all cuts are tried: half the square of
        # the length in patterns, which `MAX_CONTENT` bounds.
        for cut in range(1, len(rest)):
            agent, verb = rest[:cut], rest[cut:]
            for size in range(1, len(verb) + 1):
                if size < len(verb) and verb[size].kind not in (TokenKind.RELATION, TokenKind.DATE):
                    continue
                tail = (*fronted, *verb[size:])
                for given in ((), (recipient,)):
                    said = (*agent, *modal, *verb[:size], *given, *subject)
                    yield Pattern(said, fronted=tail, is_object_last=True)


def _passive(sentence: Sequence[Token], language: str) -> Iterator[Pattern]:
    """`A bought B` for `B was bought by A`."""
    if language != "en":
        return
    content = _content(sentence)
    by = Token(TokenKind.RELATION, lexicon.synonym_key("by", "en"), "by", 0, 0)
    # No tagger says which word is the verb. A wrong choice gives an order that no quote has, so it
    # costs time only, which the bound limits.
    for at in range(1, min(len(content) - 1, 8)):
        if content[at].kind is not TokenKind.WORD:
            continue
        tail = content[at + 1 :]
        for size in range(1, len(tail) + 1):
            if size == len(tail) or tail[size].kind in (TokenKind.RELATION, TokenKind.DATE):
                yield Pattern((*tail[:size], content[at], by, *content[:at]), fronted=tail[size:])


def _apposition(sentence: Sequence[Token], language: str) -> Iterator[Pattern]:
    """`A is the B` for `the B, A`."""
    copulas = lexicon.COPULAS.get(language, frozenset[str]())
    for at, token in enumerate(sentence):
        if token.text.casefold() in copulas:
            left, right = _content(sentence[:at]), _content(sentence[at + 1 :])
            following = sentence[at + 1] if at + 1 < len(sentence) else token
            if following.kind is TokenKind.WORD and lexicon.is_participle(following.word, language):
                return  # `was acquired` is no description
            # `A là người quản lý B` says `A quản lý B`: người only stands for the subject.
            if language == "vi" and right and right[0].text.casefold() == "người":
                yield Pattern((*left, *right[1:]))
            if left and right and left[0].is_name:
                yield Pattern((*right, *left), is_contiguous_at=len(right), is_free_start=True)
            return


def _agent(sentence: Sequence[Token], language: str) -> Iterator[Pattern]:
    """`A wrote B`, `B, written by A` for `A is the author of B` and `A is B's author`."""
    if language != "en":
        return
    copulas = lexicon.COPULAS["en"]
    at = next((n for n, token in enumerate(sentence) if token.text.casefold() in copulas), 0)
    left, right = _content(sentence[:at]), _content(sentence[at + 1 :])
    if not left or len(right) < 2:
        return
    marks = {token.key for token in sentence[at + 1 :]}
    if "'s" in marks and "of" not in marks:
        thing, noun = right[:-1], right[-1]
    elif "of" in marks and "'s" not in marks:
        noun, thing = right[0], right[1:]
    else:
        return
    by = Token(TokenKind.RELATION, lexicon.synonym_key("by", "en"), "by", 0, 0)
    # A writer of it is its author; an owner of it once, who owned it need not be its owner.
    is_now = sentence[at].word in ("is", "are") and noun.word in lexicon.HOLDERS
    for key in lexicon.agents().get(noun.key, ()):
        verb = Token(TokenKind.WORD, key, key, 0, 0, is_now=is_now)
        # A letter to its author is no authorship.
        yield Pattern((*left, verb, *thing), is_contiguous_at=len(left) + 1)
        yield Pattern((*thing, verb, by, *left))
        for inverse in lexicon.inverses("en").get(key, ()):
            turned = Token(TokenKind.RELATION, inverse, inverse, 0, 0, is_now=is_now)
            yield Pattern((*thing, turned, *left))


def _converse(sentence: Sequence[Token], language: str) -> Iterator[Pattern]:
    """`A borrows C from B` for `B lends C to A`, and `A vay B C` for `B cho A vay C`."""
    content = _content(sentence)
    if language == "vi":
        for at, token in enumerate(content):
            if token.text.casefold() in ("vay", "thuê", "mượn") and 0 < at < len(content) - 1:
                give = Token(TokenKind.RELATION, "cho", "cho", 0, 0)
                for cut in range(at + 2, len(content) + 1):
                    lender, thing = content[at + 1 : cut], content[cut:]
                    yield Pattern((*lender, give, *content[:at], token, *thing))
        yield from _compared_vietnamese(content)
        return
    yield from _compared(content)
    for ours, theirs, here, there in _CONVERSES.get(language, ()):
        for mine, other, mine_by, other_by in (
            (ours, theirs, here, there),
            (theirs, ours, there, here),
        ):
            yield from _exchanged(content, mine, other, mine_by, other_by)


def _exchanged(
    content: Sequence[Token], mine: str, other: str, mine_by: str, other_by: str
) -> Iterator[Pattern]:
    keys = [token.key for token in content]
    key = lexicon.synonym_key(mine, "en")
    if key not in keys or mine_by not in keys:
        return
    verb, relation = keys.index(key), keys.index(mine_by)
    if not 0 < verb < relation < len(content) - 1:
        return
    turned = Token(TokenKind.WORD, lexicon.synonym_key(other, "en"), other, 0, 0)
    by = Token(TokenKind.RELATION, other_by, other_by, 0, 0)
    giver, thing, taker = content[relation + 1 :], content[verb + 1 : relation], content[:verb]
    yield Pattern((*giver, turned, *thing, by, *taker))
    if other_by == "to":
        yield Pattern((*giver, turned, *taker, *thing))  # `lends A C`


_OCCUR = frozenset({"take", "place", "happen", "occur"})
_ORDER = {"before": "after", "after": "before"}


def _compared(content: Sequence[Token]) -> Iterator[Pattern]:
    """`A took place after B` for `B took place before A`, `A is smaller than B` for the reverse."""
    for at, token in enumerate(content):
        turned = _ORDER.get(token.text.casefold())
        if turned and at and all(verb.key in _OCCUR for verb in _verbs(content[:at])):
            head = len(content[:at]) - len(_verbs(content[:at]))
            verbs = content[head:at]
            relation = Token(TokenKind.RELATION, lexicon.stem(turned, "en"), turned, 0, 0)
            if verbs:
                yield Pattern((*content[at + 1 :], *verbs, relation, *content[:head]))
        if token.key == "than" and at > 1:
            yield from _reversed(content, at - 1, at, "en")


def _compared_vietnamese(content: Sequence[Token]) -> Iterator[Pattern]:
    for at, token in enumerate(content):
        if token.key == "hơn" and at > 1:
            yield from _reversed(content, at - 1, at, "vi")


def _verbs(tokens: Sequence[Token]) -> Sequence[Token]:
    """The last tokens that say that something occurs."""
    size = 0
    while size < len(tokens) and tokens[-1 - size].key in _OCCUR:
        size += 1
    return tokens[len(tokens) - size :]


def _reversed(
    content: Sequence[Token], measure: int, than: int, language: str
) -> Iterator[Pattern]:
    """The comparison from the other side, with the opposite word."""
    for opposite in lexicon.comparatives(language).get(content[measure].key, ()):
        token = Token(TokenKind.WORD, opposite, opposite, 0, 0)
        yield Pattern((*content[than + 1 :], token, content[than], *content[:measure]))


def roles_exchanged(sentence: Sequence[Token], language: str) -> Iterator[Pattern]:
    """The sentence with subject and object exchanged, each word tried as the verb."""
    content = _content(sentence)
    symmetric = lexicon.SYMMETRIC.get(language, frozenset[str]())
    # As in `_passive`, each word is tried as the verb, within a bound.
    for at in range(1, min(len(content) - 1, 12)):
        if content[at].kind is not TokenKind.WORD or content[at].key in symmetric:
            continue
        tail = content[at + 1 :]
        # `A reports to B`: the preposition stays behind the verb.
        relation = tail[:1] if tail[0].kind is TokenKind.RELATION else ()
        tail = tail[len(relation) :]
        for size in range(1, len(tail) + 1):
            if size == len(tail) or tail[size].kind in (TokenKind.RELATION, TokenKind.DATE):
                yield Pattern((*tail[:size], content[at], *relation, *content[:at], *tail[size:]))
