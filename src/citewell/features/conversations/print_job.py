"""The function that prints in a child process, without what it needs there."""


def as_pdf(title: str, parts: list[tuple[str, str]]) -> str:
    """The parts as a PDF file, for a child process; see `printing.printed`."""
    # 20 MB, which the process that serves requests is spared.
    from citewell.features.conversations.printing import printed  # noqa: PLC0415

    return printed(title, parts)
