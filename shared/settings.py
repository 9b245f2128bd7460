"""Settings every service reads from its environment; ``docs/settings.md`` is generated from the descriptions.

A secret may come from a file: ``NAME_FILE`` holds the path, and wins over ``NAME``.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.limits import networks
from shared.privacy import SealingKeys

PROJECT = Path(__file__).parent.parent


def _networks(text: str) -> str:
    networks(text)
    return text


class Settings(BaseSettings):
    """Raises ``pydantic.ValidationError`` naming each variable that is missing or wrong."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    database_url: str = Field(description="PostgreSQL to use, postgresql://user:password@host:port/database")
    amqp_url: str = Field("", description="RabbitMQ to use, amqp://user:password@host:port/vhost; empty: the bus runs on PostgreSQL")
    http_host: str = Field("127.0.0.1", description="Address the HTTP API listens on")
    http_port: int = Field(0, ge=0, le=65535, description="Port of the HTTP API; 0: the service's own (intake 8311 to notify 8314)")
    province_dir: Path = Field(PROJECT / "deploy/provinces/quang-tri", description="Folder of the province's data, read by `hoiam load`")
    log_format: Literal["json", "human"] = Field("json", description="json for machines, human for people")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least important level that is logged")
    batch: int = Field(100, ge=1, le=1000, description="Messages handled in one transaction at the most")
    relay_batch: int = Field(500, ge=1, le=5000, description="Messages on their way to the bus together at the most")
    prefetch: int = Field(200, ge=1, le=5000, description="Messages the bus hands out ahead of their acknowledgement")
    tick_seconds: float = Field(1.0, gt=0, le=60, description="How often due clocks, held messages and notices are looked for")
    pool: int = Field(10, ge=4, le=100, description="Database connections of one process at the most")
    writer_limit: int = Field(2000, ge=10, description="Requests waiting for a commit before new ones get 503 with Retry-After")
    body_limit: int = Field(65_536, ge=1024, description="Bytes of a request body at the most")
    public_rate: float = Field(20, ge=0, description="Calls a second from one address without a key or token, in one process; 0: no limit")
    public_burst: int = Field(100, ge=1, description="How many of them may come at once")
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = Field(
        "127.0.0.0/8 ::1/128",
        description="Addresses and networks whose X-Forwarded-For is believed, blanks between; calls of their own are not counted",
    )
    drain_seconds: float = Field(8.0, ge=0, description="How long a stopping process works on what it has taken")
    jwt_public_key: str = Field("", description="PEM of the Ed25519 key that verifies operators' and agencies' tokens")
    jwt_issuer: str = Field("hoiam", description="`iss` a token must carry")
    jwt_audience: str = Field("hoiam", description="`aud` a token must carry")
    jwt_revoked: str = Field("", description="`jti` of tokens withdrawn before their end, blanks between")
    otel_exporter_otlp_endpoint: str = Field(
        "", pattern=r"^(https?://.+)?$", description="Collector of traces (OTLP over HTTP), http://collector:4318; empty: none are recorded"
    )
    docs: bool = Field(True, description="Serve OpenAPI pages at /docs; switch off in production")

    @model_validator(mode="before")
    @classmethod
    def _from_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Read ``<NAME>_FILE`` for each setting that has one in the environment."""
        for name in cls.model_fields:
            path = os.environ.get(f"{name.upper()}_FILE")
            if path:
                values[name] = Path(path).read_text(encoding="utf-8").strip()
        return values

    @model_validator(mode="after")
    def _prefetch_covers_a_batch(self) -> Self:
        if self.prefetch < self.batch:
            raise ValueError(f"PREFETCH ({self.prefetch}) must be at least BATCH ({self.batch})")
        return self


def _parsable(keys: str) -> str:
    SealingKeys.parse(keys)
    return keys


def without_slash(url: str) -> str:
    """As it can be put before a path."""
    return url.rstrip("/")


class ReporterSettings(Settings):
    """What the two services share that know who reported. The secrets are never shown when settings are printed."""

    link_key: str = Field(
        min_length=32,
        repr=False,
        description="Secret behind the reporters' links, one for intake and notify; changing it closes all of them",
    )
    sealing_keys: Annotated[str, AfterValidator(_parsable)] = Field(
        repr=False,
        description="`name:base64` keys that seal contacts, the same in intake and notify; blanks between, the first seals, all open",
    )
    public_url: Annotated[str, AfterValidator(without_slash)] = Field(
        "http://127.0.0.1:8311/v1/reports",
        pattern=r"^https?://[^\s?#]+$",
        description="Where reporters look their report up; the tracking code is put behind it",
    )


S = TypeVar("S", bound=Settings)


def from_environment(kind: type[S]) -> S:
    """The settings of this process. Ends it with a line for each variable that is missing or wrong, never with its value."""
    try:
        return kind()
    except ValidationError as error:
        wrong = [f"  {'.'.join(map(str, e['loc'])).upper() or 'settings'}: {e['msg']}" for e in error.errors(include_input=False)]
        print("\n".join(["These settings are missing or wrong (docs/settings.md explains them):", *wrong]), file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
    except OSError as error:
        print(f"A file that a *_FILE variable names can't be read: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
