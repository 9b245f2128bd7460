"""The installation a command looks at: what its settings are, wherever they come from."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import OperationalError

from services.cli import keys
from services.cli.private_postgres import PrivatePostgres
from services.cli.system import secret
from services.cli.up import Layout
from shared.clock import Clock, now
from shared.database import KEEPALIVE, psycopg_url


class Away(Exception):  # noqa: N818 - a state of affairs
    """What the examination needs does not answer."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """``given`` are settings that don't come from the environment: those of the embedded system."""

    database_url: str
    amqp_url: str = ""
    management_url: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    clock: Clock = now

    @classmethod
    def found(cls, layout: Layout) -> Self:
        """From the environment, or the embedded system of ``layout``."""
        amqp, management = secret("AMQP_URL"), secret("MANAGEMENT_URL")
        url = secret("DATABASE_URL")
        if url:
            return cls(database_url=url, amqp_url=amqp, management_url=management)
        url = PrivatePostgres(layout.postgres, port=layout.database_port).url if layout.postgres.exists() else ""
        return cls(database_url=url, amqp_url=amqp, management_url=management, given=_embedded(layout, url))

    def setting(self, name: str) -> str:
        """As a service would read it; empty when there is none."""
        return self.given.get(name) or secret(name.upper())

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """As whoever DATABASE_URL names. Raises :class:`Away`."""
        if not self.database_url:
            raise Away("there is no database")
        asking = create_engine(psycopg_url(self.database_url), connect_args=dict(KEEPALIVE))
        try:
            with asking.connect() as connection:
                yield connection
        except OperationalError as error:
            raise Away(str(error.orig).strip().splitlines()[0]) from None
        finally:
            asking.dispose()


def _embedded(layout: Layout, url: str) -> dict[str, str]:
    files = {"jwt_public_key": keys.PUBLIC, "sealing_keys": keys.SEALING, "link_key": keys.LINK}
    texts = {name: _text(layout.keys / file) for name, file in files.items()}
    return {"database_url": url, "media_url": str(layout.folder / "media"), **texts}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""
