"""Alembic's environment: one online run over the connection string it is given."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from citewell.core.database.sessions import OWNER_CONNECTION


def run() -> None:
    """Run all pending revisions in one transaction."""
    url = make_url(context.config.attributes["url"]).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool, connect_args=OWNER_CONNECTION)
    try:
        with engine.connect() as connection:
            context.configure(connection=connection, transaction_per_migration=False)
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


run()
