"""Privileges a child process drops before it reads untrusted input."""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from citewell.kit.sandbox.landlock import EVERYTHING, READ, READ_NAMED, USE, restrict_files
from citewell.kit.sandbox.limits import MIB
from citewell.kit.sandbox.privileges import deny_calls, drop_capabilities

if sys.platform != "win32":
    import resource

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
"""Constants of <linux/prctl.h> and <linux/sched.h>."""

NICENESS = 10
"""Children yield to the process that answers questions."""

_WRITABLE_BYTES = 16 * MIB
"""Longest file this process can write: the PDF library unpacks itself once (7.5 MiB)."""


# Files that Python and libraries look at: code, fonts, the machine's size. Nothing with secrets: of
# /etc single files. Others fail as if they were not permitted, which all of the libraries bear.
_READ = (
    "/usr", "/lib", "/lib32", "/lib64", "/bin", "/proc", "/sys/devices/system", "/sys/fs/cgroup",
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/timezone",
    "/etc/fonts", "/etc/mime.types", "/opt",
)  # fmt: skip
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def confine(memory_bytes: int, parent: int, documents: Sequence[str]) -> None:
    """Bound this process and tie it to its parent.

    Measures that the platform does not offer are skipped; the parent watches time and memory too.

    Args:
        memory_bytes: Most private data this process can have.
        parent: Process id of the parent; if it is gone already, this process ends.
        documents: Folders in which it may read files whose names it is told.
    """
    if sys.platform == "win32":
        return
    if sys.platform == "linux":
        die_with_parent()
        _leave_network()
    # The parent may have ended before the request for its death signal took effect.
    if os.getppid() != parent:
        sys.exit(0)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, _WRITABLE_BYTES)
    # Not RLIMIT_AS: runtimes reserve address space far beyond what they use.
    _lower(resource.RLIMIT_DATA, memory_bytes)
    os.nice(NICENESS)
    if sys.platform == "linux":
        restrict_files(_reachable(documents))
        drop_capabilities()
        deny_calls()  # last: what is above uses some of them


def _reachable(documents: Sequence[str]) -> list[tuple[Path, int]]:
    code = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path]
    return [
        *((Path(place), READ) for place in (*_READ, *code) if place),
        *((Path(place), USE) for place in _DEVICES),
        *((Path(place), READ_NAMED) for place in documents),
        # Its scratch folder, the working directory that the parent gave it.
        (Path.cwd(), EVERYTHING),
    ]


def allow_cpu(seconds: int) -> None:
    """Give the next request its CPU time; beyond it the kernel ends this process (SIGXCPU)."""
    if sys.platform == "win32":
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    # The limit counts over the process's life, and in whole seconds: rounded up.
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    _lower(resource.RLIMIT_CPU, soft)


def _lower(kind: int, value: int) -> None:
    if sys.platform == "win32":
        return
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, hard))


def die_with_parent() -> None:
    """Have the kernel end this process with its parent, and bar it from gaining privileges."""
    libc = ctypes.CDLL(None, use_errno=True)
    # A parent that is killed cannot end its children; the kernel does it.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _leave_network() -> None:
    """Move to an empty network namespace, where the kernel lets this process do so."""
    libc = ctypes.CDLL(None, use_errno=True)
    # Without privileges a network namespace needs a user namespace as well. A refusal to root comes
    # from a container's rules, which refuse that too.
    if libc.unshare(_CLONE_NEWNET) != 0 and os.geteuid() != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
