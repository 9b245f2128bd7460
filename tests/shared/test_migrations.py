"""Each service's tables in the database are the tables its code believes in."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from shared import mailbox
from shared.database import engine, migrate, psycopg_url


def _whole(store: ModuleType) -> ModuleType:
    """With the tables of every file of the room."""
    for part in iter_modules(getattr(store, "__path__", ())):
        import_module(f"{store.__name__}.{part.name}")
    return store


SERVICES = ("intake", "routing", "sla", "notify")


@pytest.mark.parametrize("service", SERVICES)
class TestMigrations:
    def test_models_and_migrations_agree(self, database_url, service):
        migrate(database_url, service)
        store = _whole(import_module(f"services.{service}.store"))
        owner = create_engine(psycopg_url(database_url), connect_args={"options": f"-c search_path={service}"})

        with owner.connect() as connection:
            context = MigrationContext.configure(connection, opts={"include_name": lambda name, kind, _: name != "alembic_version"})
            differences = compare_metadata(context, [mailbox.metadata, store.metadata])
        owner.dispose()

        assert differences == []

    def test_migrating_again_changes_nothing(self, database_url, service):
        migrate(database_url, service)
        migrate(database_url, service)

    def test_a_services_role_sees_its_own_schema_only(self, database_url, service):
        for name in SERVICES:
            migrate(database_url, name)
        of = engine(database_url, service)

        with of.connect() as connection:
            for other in SERVICES:
                allowed = connection.scalar(text("SELECT has_schema_privilege(current_user, :schema, 'USAGE')"), {"schema": other})
                assert allowed is (other == service)
        of.dispose()
