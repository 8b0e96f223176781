"""The organisation with agents and workflows at work."""

from tests.features.agents.conftest import agent_server, agent_url, desk, vendor
from tests.features.workflows.conftest import flows

__all__ = ["agent_server", "agent_url", "desk", "flows", "vendor"]
