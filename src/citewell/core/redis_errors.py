"""Failures of Redis.

Its client is imported where there is a Redis: it takes a fifth of a second, at each command.
"""


def redis_failures() -> tuple[type[Exception], ...]:
    """The errors of a Redis that does not answer; for `except`, which asks at the first of them."""
    from redis.exceptions import RedisError  # noqa: PLC0415 - see above

    return RedisError, OSError
