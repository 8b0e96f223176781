"""Server-sent events (WHATWG HTML, section 9.2)."""

import json


def encode_event(name: str, data: object) -> bytes:
    """One event; the data is JSON, so it never holds a raw line break."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
