"""Connecting at a start, when the server may be starting too."""

import time
from typing import Any

import psycopg
import structlog
from psycopg import pq
from psycopg.conninfo import make_conninfo

from citewell.core.database.sessions import CONNECTION, OWNER_CONNECTION

log = structlog.get_logger(__name__)

READY_SECONDS = 60.0
"""Longest wait for a server that says it is starting, stopping or recovering."""

PRESENT_SECONDS = 10.0
"""Longest wait for a server that does not answer: its container may still be starting."""

SLOW_SECONDS = 3.0
"""Seconds of waiting after which a message is printed."""

PAUSE_SECONDS = 0.2


def connect(
    url: str, *, ready: float = READY_SECONDS, present: float = PRESENT_SECONDS
) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection of the owner in autocommit, as soon as the server takes one.

    Args:
        url: The database.
        ready: Seconds to wait for a server that says it is not ready yet.
        present: Seconds to wait for a server that does not answer at all.

    Raises:
        psycopg.Error: The last refusal.
    """
    started, is_told, was_ready = time.monotonic(), False, False
    while True:
        try:
            return psycopg.connect(url, autocommit=True, **OWNER_CONNECTION)
        except psycopg.OperationalError as error:
            # Asked of libpq, because psycopg does not keep the SQLSTATE of a refused connection and
            # its text is translated.
            state, waited = _ping(url), time.monotonic() - started
            # Once only: a server that is ready and still refuses (password, database) will go on
            # refusing.
            if state is pq.Ping.OK and not was_ready:
                was_ready = True  # it may have become so this moment
                continue
            patience = {pq.Ping.REJECT: ready, pq.Ping.NO_RESPONSE: present}.get(state, 0.0)
            if waited + PAUSE_SECONDS > patience:
                raise
            if waited > SLOW_SECONDS and not is_told:
                log.info("waiting_for_database", error=str(error).splitlines()[0])
                is_told = True
            time.sleep(PAUSE_SECONDS)


def _ping(url: str) -> pq.Ping:
    options = make_conninfo(url, connect_timeout=CONNECTION["connect_timeout"])
    return pq.Ping(pq.PGconn.ping(options.encode()))
