"""Messages as they are read: plain text and the same as HTML, without anything from elsewhere."""

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlencode

from citewell.core.smtp import MailText
from citewell.features.mail.texts import WORDS, MailLanguage
from citewell.kit.visible import harmless_line
from citewell.models.notices import NoticeKind

_PAGES = {
    NoticeKind.INVITATION: ("join", "invitation"),
    NoticeKind.PASSWORD_RESET: ("reset", "reset"),
    NoticeKind.EMAIL_CONFIRMATION: ("email", "token"),
}
"""Page that a token is for, and its name there."""

_HTML = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{subject}</title></head>
<body style="margin:0;padding:24px;font-family:sans-serif;font-size:16px;line-height:1.5">
<div style="max-width:34em">
{body}
</div></body></html>
"""

_BUTTON = (
    '<p><a href="{link}" style="display:inline-block;padding:10px 18px;border-radius:6px;'
    'background:#1f3a4d;color:#ffffff;text-decoration:none">{action}</a></p>\n'
    '<p style="font-size:13px;word-break:break-all">{link}</p>'
)


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """Facts that a message names: nothing that a stranger has chosen."""

    organisation: str
    when: datetime
    until: datetime | None = None
    link: str | None = None


def link_of(site: str, kind: NoticeKind, token: str, address: str) -> str:
    """The address of the page that a token is for; behind the # it reaches no server's log."""
    page, name = _PAGES[kind]
    return f"{site}/{page}#{urlencode({name: token, 'email': address})}"


def written(kind: str, language: MailLanguage, facts: LetterFacts, site: str) -> MailText:
    """A message in a language.

    Args:
        kind: A `NoticeKind` or `TEST`.
        language: The language.
        facts: What it names.
        site: Address of the web application, at the end of the message.
    """
    words = WORDS[language][kind]
    values = {
        "organisation": harmless_line(facts.organisation),
        "when": _moment(facts.when),
        "until": _moment(facts.until) if facts.until else "",
    }
    lines = [line.format_map(values) for line in words.lines]
    subject = words.subject.format_map(values)
    plain, html = list(lines), [f"<p>{escape(line)}</p>" for line in lines]
    if words.action is not None and facts.link is not None:
        plain.insert(1, facts.link)
        html.insert(1, _BUTTON.format(link=escape(facts.link), action=escape(words.action)))
    plain.append(f"-- \nCitewell\n{site}")
    html.append(f'<p style="color:#555555">Citewell<br>{escape(site)}</p>')
    return MailText(
        subject=subject,
        plain="\n\n".join(plain) + "\n",
        html=_HTML.format(language=language, subject=escape(subject), body="\n".join(html)),
    )


def _moment(at: datetime) -> str:
    """A time that readers of all zones understand alike."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
