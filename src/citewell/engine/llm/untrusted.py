"""Text of others on its way into a prompt."""

import re

from citewell.engine.parsing.cleaning import scrub

# Beginnings of tags of ours, of HTML and of chat templates (`<|im_start|>`, `<s>`, `<<SYS>>`), and
# the markers `[INST]` of others. Servers that tokenise such text make control tokens of it.
_TAG = re.compile(r"<(?=[A-Za-z_/|<!?])")
_MARKER = re.compile(r"\[(?=/?[A-Z_]{3,30}\])")


def harmless(text: str) -> str:
    """Get text that can be put into a prompt: it begins no tag, turn or instruction.

    Characters that nobody sees are left out, and a tag begins with another bracket, so that the
    text cannot close its own delimiter.
    """
    return _MARKER.sub("[ ", _TAG.sub("\u2039", scrub(text))).strip()
