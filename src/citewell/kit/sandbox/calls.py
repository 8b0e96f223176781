"""Child process that calls Citewell's functions by name: `python -m citewell.kit.sandbox.calls`."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from citewell.kit.sandbox.child import serve_parent
from citewell.kit.sandbox.confinement import allow_cpu
from citewell.kit.sandbox.wire import Channel, Message

MODULE = "citewell.kit.sandbox.calls"
"""Command that `Child` runs."""


def request_of(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Message:
    """The request to call a function of a module, whose arguments and result are JSON."""
    return {
        "module": function.__module__,
        "name": function.__qualname__,
        "arguments": arguments,
    }


def serve(channel: Channel, settings: Message) -> None:
    """Answer requests until the parent has gone; an exception ends the process."""
    while request := channel.receive():
        allow_cpu(settings["cpu_seconds"])
        function = getattr(import_module(request["module"]), request["name"])
        channel.send({"result": function(*request["arguments"])})


if __name__ == "__main__":
    serve_parent(serve)
