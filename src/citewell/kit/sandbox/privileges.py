"""Capabilities and system calls that a child process of Linux gives up."""

import ctypes
import errno
import os
import platform
import struct

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 47, 4
_CAPABILITY_VERSION = 0x20080522
_CAP_DAC_READ_SEARCH = 2
_MOST_CAPABILITIES = 64
"""Constants of <linux/prctl.h> and <linux/capability.h>."""

_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_GREATER_OR_EQUAL, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_NUMBER_AT, _PROCESSOR_AT = 0, 4
_X32 = 0x40000000
"""Of <linux/filter.h> and <linux/seccomp.h>: a filter sees number and processor of each call."""

# Calls that reach other processes, the kernel's set-up or the network. No parser of ours needs
# them; `socketpair` stays, as run-times wake themselves by it. io_uring would do the same unseen.
_COMMON = (*range(425, 434), 438, 442)
"""io_uring, the new mount calls, pidfd_getfd and mount_setattr: the same for all processors."""
_DENIED = {
    # socket connect bind listen accept accept4 ptrace process_vm_* mount umount2 pivot_root chroot
    # unshare setns bpf keyctl add_key request_key open_by_handle_at name_to_handle_at
    # perf_event_open userfaultfd *_module kexec_load reboot
    "x86_64": (
        0xC000003E,
        (41, 42, 49, 50, 43, 288, 101, 310, 311, 165, 166, 155, 161, 272, 308, 321, 250, 248, 249,
         304, 303, 298, 323, 175, 313, 176, 246, 169),
    ),
    "aarch64": (
        0xC00000B7,
        (198, 203, 200, 201, 202, 242, 117, 270, 271, 40, 39, 41, 51, 97, 268, 280, 219, 217, 218,
         265, 264, 241, 282, 105, 273, 106, 104, 142),
    ),
}  # fmt: skip
"""By processor: its number for audits, and the numbers of the calls."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def drop_capabilities() -> None:
    """Give up every capability; as root all but that to read files whoever owns them.

    What is installed may lie in folders of another user. Which files can be read is restricted by
    `landlock` then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(_MOST_CAPABILITIES):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    kept = 1 << _CAP_DAC_READ_SEARCH if os.geteuid() == 0 else 0
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    data = struct.pack("IIIIII", kept, kept, 0, 0, 0, 0)
    libc.capset(header, data)


def deny_calls() -> bool:
    """Have calls that this process has no business with fail; False if that is not to be had."""
    known = _DENIED.get(platform.machine())
    if known is None:
        return False
    processor, numbers = known
    denied = [*numbers, *_COMMON]
    refuse = _ERROR | errno.EPERM
    # Jumps count the steps they leave out: all refusals are made by the last step but one.
    steps = [(_LOAD, 0, 0, _PROCESSOR_AT), (_JUMP_IF_EQUAL, 1, 0, processor)]
    steps += [(_RETURN, 0, 0, refuse), (_LOAD, 0, 0, _NUMBER_AT)]
    count = len(denied) + 1
    steps.append((_JUMP_IF_GREATER_OR_EQUAL, count, 0, _X32))
    steps += [(_JUMP_IF_EQUAL, count - 1 - place, 0, number) for place, number in enumerate(denied)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, refuse)]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    held = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(steps), ctypes.cast(held, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0
