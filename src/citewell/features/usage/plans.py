"""Limits of each plan."""

from collections.abc import Mapping

from citewell.features.usage.metrics import Metric

MIB, GIB = 1024**2, 1024**3

Limits = Mapping[Metric, int]

DEFAULT_PLAN = "unlimited"
FALLBACK_PLAN = "free"
"""Plan whose limits apply to tenants with a plan that this version does not know."""

PLANS: Mapping[str, Limits] = {
    DEFAULT_PLAN: {},
    FALLBACK_PLAN: {
        Metric.USERS: 3,
        Metric.COLLECTIONS: 5,
        Metric.DOCUMENTS: 100,
        Metric.STORED_BYTES: 256 * MIB,
        Metric.AGENTS: 1,
        Metric.QUERIES: 200,
        Metric.MODEL_TOKENS: 100_000,
    },
    "team": {
        Metric.USERS: 25,
        Metric.COLLECTIONS: 50,
        Metric.DOCUMENTS: 10_000,
        Metric.STORED_BYTES: 20 * GIB,
        Metric.AGENTS: 10,
        Metric.QUERIES: 5_000,
        Metric.MODEL_TOKENS: 5_000_000,
    },
    "business": {
        Metric.USERS: 250,
        Metric.COLLECTIONS: 500,
        Metric.DOCUMENTS: 200_000,
        Metric.STORED_BYTES: 500 * GIB,
        Metric.AGENTS: 100,
        Metric.QUERIES: 50_000,
        Metric.MODEL_TOKENS: 100_000_000,
    },
}
"""Limits by plan and metric; a metric not named is unlimited.

A tenant's own `limits` override single metrics; null there means unlimited.
"""
