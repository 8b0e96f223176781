"""Start of every child process, before its first request."""

import os
import sys
from collections.abc import Callable

from citewell.kit.sandbox.confinement import confine
from citewell.kit.sandbox.wire import Channel, Message, decode


def serve_parent(serve: Callable[[Channel, Message], None]) -> None:
    """Confine this process, then let `serve` answer requests until the parent has gone.

    The command line is what `Child` writes: its settings as JSON, then the parent's process id.
    """
    settings = decode(sys.argv[1].encode())
    # Libraries may print, which must not end up among the frames: the socket moves to another
    # descriptor, and standard output becomes standard error.
    descriptor = os.dup(0)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    confine(settings["memory_bytes"], int(sys.argv[2]), settings.pop("documents"))
    try:
        serve(Channel(descriptor), settings)
    # The parent has gone: a normal end, and a traceback would only fill a log.
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(0)
