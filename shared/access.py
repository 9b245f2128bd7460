"""Who may do what: one table of roles by route, denied when it is not in the table.

Portals prove themselves by an opaque key, operators and agencies by a signed token (JWT, EdDSA only), reporters by the
secret of their link.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.types import Options

from shared.limits import Rate


class Role(StrEnum):
    PUBLIC = "public"
    REPORTER = "reporter"
    PORTAL = "portal"
    AGENCY = "agency"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a portal's key may be used for, beside what everybody may do."""

    REPORT = "report"
    COMMENT = "comment"
    BULK = "bulk"
    READ_OWN = "read_own"


STAFF = frozenset({Role.OPERATOR, Role.ADMIN})
CASE_READERS = frozenset({Role.AGENCY, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
RULE_READERS = frozenset({Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
EVERYBODY = frozenset(Role)

ROUTES: Mapping[str, frozenset[Role]] = {
    "GET /healthz": EVERYBODY,
    "GET /readyz": EVERYBODY,
    "GET /metrics": EVERYBODY,
    # intake
    "POST /v1/reports": frozenset({Role.PORTAL}),
    "POST /v1/reports:bulk": frozenset({Role.PORTAL}),
    "POST /v1/reports:similar": frozenset({Role.PORTAL}),
    "GET /v1/reports": EVERYBODY,
    "GET /v1/map": EVERYBODY,
    "GET /v1/reports/{tracking_code}": EVERYBODY,
    "GET /v1/reports/{tracking_code}/duplicates": STAFF,
    "POST /v1/reports/{tracking_code}/followers": frozenset({Role.PORTAL}),
    "POST /v1/followers/{follower_id}/confirmation": frozenset({Role.REPORTER}),  # with the secret of the follower's own link
    "DELETE /v1/followers/{follower_id}": frozenset({Role.REPORTER}),  # the same
    "POST /v1/reports/{tracking_code}/media": frozenset({Role.REPORTER, Role.PORTAL}),
    "POST /v1/reports/{tracking_code}/comments": frozenset({Role.REPORTER}),
    "POST /v1/reports/{tracking_code}/withdrawal": frozenset({Role.REPORTER}),
    "POST /v1/reports/{tracking_code}/rating": frozenset({Role.REPORTER}),
    "POST /v1/reports/{tracking_code}/objection": frozenset({Role.REPORTER}),
    "GET /v1/categories": EVERYBODY,
    "POST /v1/reports/{tracking_code}/contact:disclose": STAFF,
    "GET /v1/privacy/accesses": frozenset({Role.AUDITOR, Role.ADMIN}),
    "POST /v1/media": frozenset({Role.PORTAL, Role.AGENCY}),
    "PUT /v1/media/{media_id}": EVERYBODY,  # with the secret of the upload link
    "GET /v1/media": CASE_READERS,
    "GET /v1/media/{media_id}": CASE_READERS,
    "GET /v1/media/{media_id}/original": frozenset({Role.ADMIN}),
    "POST /v1/media/{media_id}/screening": STAFF,
    "GET /media/{media_id}.jpg": EVERYBODY,  # released ones only
    "GET /open311/v2/discovery.{form}": EVERYBODY,
    "GET /open311/v2/services.{form}": EVERYBODY,
    "GET /open311/v2/services/{service_code}.{form}": EVERYBODY,
    "GET /open311/v2/requests.{form}": EVERYBODY,
    "GET /open311/v2/requests/{service_request_id}.{form}": EVERYBODY,
    "GET /open311/v2/tokens/{token}.{form}": EVERYBODY,
    "GET /open311/v2/servicerequestupdates.{form}": EVERYBODY,
    "GET /open311/v2/bulk/requests.csv": EVERYBODY,
    "POST /open311/v2/requests.{form}": EVERYBODY,  # a portal's key may be in the form: the door itself asks for it
    "POST /open311/v2/servicerequestupdates.{form}": EVERYBODY,  # the same
    # routing
    "POST /v1/route:explain": STAFF,
    "GET /v1/triage": STAFF,
    "GET /v1/rules": RULE_READERS,
    "GET /v1/rules/figures": RULE_READERS,
    "GET /v1/rules/proposals": STAFF,
    "GET /v1/rules/{version}": RULE_READERS,
    "GET /v1/rules/{version}/changes": RULE_READERS,
    "GET /v1/rules/{version}/defects": RULE_READERS,
    "GET /v1/rules/{version}/replay": STAFF,
    "POST /v1/rules": STAFF,
    "POST /v1/rules/{version}/activation": STAFF,
    "POST /v1/rules:rollback": STAFF,
    # sla: agencies ask about their own cases only, whatever this table allows
    "GET /v1/cases": CASE_READERS,
    "GET /v1/cases/summary": CASE_READERS,
    "GET /v1/cases/{report_id}": CASE_READERS,
    "GET /v1/cases/{report_id}/explanation": CASE_READERS,
    "POST /v1/cases/{report_id}/accept": frozenset({Role.AGENCY}),
    "POST /v1/cases/{report_id}/return": frozenset({Role.AGENCY}),
    "POST /v1/cases/{report_id}/ask": frozenset({Role.AGENCY}),
    "POST /v1/cases/{report_id}/request_extension": frozenset({Role.AGENCY}),
    "POST /v1/cases/{report_id}/answer": frozenset({Role.AGENCY}),
    "POST /v1/cases/{report_id}/report_progress": frozenset({Role.AGENCY}),
    "POST /v1/cases/{report_id}/submit_result": frozenset({Role.AGENCY}),
    "POST /v1/cases/{report_id}/route": STAFF,
    "POST /v1/cases/{report_id}/refuse": STAFF,
    "POST /v1/cases/{report_id}/approve": STAFF,
    "POST /v1/cases/{report_id}/send_back": STAFF,
    "POST /v1/cases/{report_id}/extend": STAFF,
    "POST /v1/cases/{report_id}/reopen": STAFF,
    "POST /v1/cases/{report_id}/cancel": STAFF,
    "POST /v1/cases/{report_id}/merge": STAFF,
    "POST /v1/cases/{report_id}/unmerge": STAFF,
    "GET /v1/agencies": CASE_READERS,
    "GET /v1/agencies/{code}": CASE_READERS,
    "GET /v1/policies": CASE_READERS,
    "GET /v1/policies/{version}": CASE_READERS,
    "POST /v1/policies:dry-run": STAFF,
    "GET /v1/scorecards": EVERYBODY,
    "GET /v1/scorecards/ranking": EVERYBODY,
    "GET /v1/scorecards/cases": CASE_READERS,
    "GET /v1/scorecards/frozen/{month}": EVERYBODY,
    "GET /v1/forecast": CASE_READERS,
    "GET /v1/audit/roots": EVERYBODY,
    "GET /v1/audit/roots/{day}": EVERYBODY,
    "GET /v1/cases/{report_id}/receipt": EVERYBODY,  # hashes only: nobody is named, nothing is told
    # notify
    "GET /v1/notices": frozenset({Role.OPERATOR, Role.AUDITOR, Role.ADMIN}),
    "GET /v1/notices/{notice_id}": frozenset({Role.OPERATOR, Role.AUDITOR, Role.ADMIN}),
    "GET /v1/notices:preview": STAFF,
    "POST /v1/notices:test": frozenset({Role.ADMIN}),
    "GET /v1/subscriptions/{subscriber}": frozenset({Role.AGENCY, Role.OPERATOR, Role.ADMIN}),  # agencies their own only
    "PUT /v1/subscriptions/{subscriber}": frozenset({Role.AGENCY, Role.ADMIN}),
    "DELETE /v1/subscriptions/{subscriber}": frozenset({Role.AGENCY, Role.ADMIN}),
    "GET /v1/leave/{token}": EVERYBODY,  # the token is in the letter alone
    "POST /v1/leave/{token}": EVERYBODY,  # the same
    "POST /v1/replies": EVERYBODY,  # with the secret of the gateway
    "POST /v1/webhooks": frozenset({Role.ADMIN}),
    "GET /v1/webhooks": frozenset({Role.ADMIN}),
    "DELETE /v1/webhooks/{webhook_id}": frozenset({Role.ADMIN}),
    "POST /v1/webhooks/{webhook_id}/secret": frozenset({Role.ADMIN}),
    "POST /v1/webhooks/{webhook_id}/activation": frozenset({Role.ADMIN}),
    "POST /v1/webhooks/{webhook_id}/replay": frozenset({Role.ADMIN}),
}


# What a portal needs for a route that is not for everybody: no scope here, no entry.
SCOPES: Mapping[str, Scope] = {
    "POST /v1/reports": Scope.REPORT,
    "POST /v1/reports:bulk": Scope.BULK,
    "POST /v1/reports:similar": Scope.REPORT,
    "POST /v1/reports/{tracking_code}/followers": Scope.REPORT,
    "POST /v1/reports/{tracking_code}/media": Scope.REPORT,
    "POST /v1/media": Scope.REPORT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who proved who they are. ``agency`` is set for the role agency only, ``scopes``, ``origins`` (of its web pages) and
    ``rate`` for portals only."""

    role: Role
    name: str = ""
    agency: str = ""
    scopes: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    rate: Rate | None = None

    @property
    def actor(self) -> str:
        """As written into histories: ``agency:dh``, ``operator:lan``."""
        return f"{self.role}:{self.agency or self.name}"


ANYBODY = Principal(role=Role.PUBLIC)


class Denied(Exception):  # noqa: N818 - an answer, not an error
    """The credentials are missing, wrong or too weak. ``status`` 401 or 403."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


@dataclass(frozen=True, kw_only=True)
class TokenVerifier:
    """Checks tokens against one public key; without a key every token is refused."""

    public_key: str
    issuer: str
    audience: str
    revoked: frozenset[str] = frozenset()

    def principal(self, token: str, at: datetime) -> Principal:
        """Raises :class:`Denied`."""
        claims = self._claims(token, at)
        role, _, agency = str(claims.get("role", "")).partition(":")
        if claims["jti"] in self.revoked or role not in {Role.AGENCY, Role.OPERATOR, Role.AUDITOR, Role.ADMIN}:
            raise Denied(401, "token_revoked", "this token is no longer good: ask for a new one")
        if (role == Role.AGENCY) != bool(agency):
            raise Denied(401, "token_invalid", "the role of an agency is written agency:<code>")
        return Principal(role=Role(role), name=str(claims["sub"]), agency=agency)

    def _claims(self, token: str, at: datetime) -> dict[str, Any]:
        if not self.public_key:
            raise Denied(401, "token_invalid", "no JWT_PUBLIC_KEY is set here, so no token can be verified")
        checks: Options = {
            "require": ["exp", "iat", "iss", "aud", "sub", "jti"],
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
        }
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self.public_key, algorithms=["EdDSA"], issuer=self.issuer, audience=self.audience, options=checks
            )
            fresh = float(claims["iat"]) - 60 <= at.timestamp() < float(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError):
            raise Denied(401, "token_invalid", "the token is not one of ours, or was changed") from None
        if not fresh:
            raise Denied(401, "token_expired", "the token has expired: ask for a new one")
        return claims


def issue_token(private_key: str, *, role: str, name: str, issuer: str, audience: str, at: datetime, lasts: timedelta) -> str:
    """A signed token; ``role`` is operator, auditor, admin or ``agency:<code>``."""
    claims = {
        "iss": issuer, "aud": audience, "sub": name, "role": role, "jti": str(uuid4()),
        "iat": int(at.timestamp()), "exp": int((at + lasts).timestamp()),
    }  # fmt: skip
    return jwt.encode(claims, private_key, algorithm="EdDSA")


def new_key_pair() -> tuple[str, str]:
    """A fresh Ed25519 pair as PEM: private, public."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def key_hash(key: str) -> str:
    """What is stored of a portal's key. Keys are random, so a fast hash is safe."""
    return hashlib.sha256(key.encode()).hexdigest()


def link_secret(key: str, report_id: UUID) -> str:
    """The secret of a reporter's link: 160 bits derived from the report, so a repeated POST gives the same link and nothing is stored."""
    mac = hmac.digest(key.encode(), report_id.bytes, "sha256")
    return base64.urlsafe_b64encode(mac[:20]).rstrip(b"=").decode()


def link_opens(key: str, report_id: UUID, secret: str) -> bool:
    """Whether ``secret`` is the one of this report, compared in constant time."""
    return hmac.compare_digest(link_secret(key, report_id).encode(), secret.encode())
