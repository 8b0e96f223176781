"""Server-sent events (WHATWG HTML, section 9.2)."""

import json


def encode_event(name: str, data: object) -> bytes:
    """One event; the data is JSON, so it never holds a raw line break."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def encode_json(name: str, text: str, event_id: int | None = None) -> bytes:
    """One event whose data is JSON already, with the id to resume from."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {name}\ndata: {text}\n\n".encode()
