"""Actions a child process tries and may not do; called by name inside of it."""

import ctypes
import os
import signal
import socket
from pathlib import Path


def attempt(what: str, target: str) -> str:
    """Name of the error that an attempt ends with, or `done`."""
    try:
        match what:
            case "read":
                Path(target).read_bytes()
            case "list":
                os.listdir(target)
            case "write":
                Path(target).write_text("x")
            case "connect":
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(target)
            case "listen":
                with socket.socket(socket.AF_INET) as server:
                    server.bind(("127.0.0.1", 0))
            case "signal":
                os.kill(int(target), signal.SIGCONT)
            case "trace":
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.ptrace(16, int(target), 0, 0) != 0:  # PTRACE_ATTACH
                    raise OSError(ctypes.get_errno(), "ptrace")
            case "namespace":
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.unshare(0x10000000) != 0:  # CLONE_NEWUSER
                    raise OSError(ctypes.get_errno(), "unshare")
            case _:
                return "unknown"
    except OSError as error:
        return type(error).__name__
    return "done"


def status() -> dict[str, str]:
    """Facts that the kernel tells of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
