"""The owner of the database as one tenant: row-level security holds for ordinary roles."""

import uuid
from typing import Any

import psycopg

from citewell.core.database.sessions import TENANT_SETTING


def act_for(connection: psycopg.Connection[Any], tenant_id: uuid.UUID) -> None:
    """Have a connection see and change the rows of this tenant alone, from now on."""
    connection.execute("SELECT set_config(%s, %s, false)", (TENANT_SETTING, str(tenant_id)))
