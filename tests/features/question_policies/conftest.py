"""A server whose model is a vendor on loopback, which can be made to wait."""

from tests.features.agents.conftest import agent_server, agent_url, desk, vendor

__all__ = ["agent_server", "agent_url", "desk", "vendor"]
