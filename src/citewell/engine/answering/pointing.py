"""Sentences that go on about what the one before them names."""

import re

_POINTS_BACK = re.compile(
    r"(?:this|these|those|that|it|its|he|his|she|her|they|their|such|the (?:latter|former|same)|"
    r"nó|họ|ông ấy|ông ta|bà ấy|anh ấy|cô ấy|chúng|điều này|điều đó|việc này|việc đó|đây là|"
    r"trong đó|trường hợp này|quy định này)\b",
    re.IGNORECASE,
)

_LABELS = re.compile(
    r"(?:nguyên nhân|lý do|kết luận|ý kiến|kết quả|hậu quả|giải pháp|biện pháp|cách khắc phục|"
    r"hướng xử lý|causes?|reasons?|results?|outcome|decision|conclusion|remedy)"
    r"(?: [^\W\d_]+){0,3}: (?![^\n]{0,200}; [^;:\n]{1,60}: )",
    re.IGNORECASE,
)
"""A label with which a sentence tells more of what the one before names: `Cause so far: damp`. No
row of a table (`Reason: illness; Days: 5`), which has its own name;
no fields of forms (`Deadline: `), which stand below one another and are of nothing before."""


def points_back(text: str) -> bool:
    """Whether a sentence begins with a word for something that the one before it names."""
    return _POINTS_BACK.match(text) is not None or _LABELS.match(text) is not None
