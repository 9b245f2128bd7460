"""Alembic's entry: the connection and the service come from ``shared.database.migrate``; each service keeps its own versions."""

from alembic import context

service = context.config.attributes["service"]
context.configure(connection=context.config.attributes["connection"], version_table_schema=service, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
