"""How many examples a property is tried with."""

import os


def examples(whole: int) -> int:
    """A quarter of them in `make test`, all of them in `make test-long`.

    Args:
        whole: Number of examples in the long lane.
    """
    return whole if os.environ.get("TEST_EXAMPLES") == "all" else max(10, whole // 4)
