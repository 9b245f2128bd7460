"""Who may do what: proven, or denied."""

from datetime import timedelta
from uuid import uuid4

import jwt
import pytest

from shared.access import Denied, Principal, Role, TokenVerifier, issue_token, link_opens, link_secret, new_key_pair
from tests.builders import MONDAY

PRIVATE, PUBLIC = new_key_pair()
VERIFIER = TokenVerifier(public_key=PUBLIC, issuer="hoiam", audience="hoiam")


def a_token(private: str = PRIVATE, **change: object) -> str:
    usual = {"role": "operator", "name": "lan", "issuer": "hoiam", "audience": "hoiam", "at": MONDAY, "lasts": timedelta(hours=8)}
    return issue_token(private, **usual | change)


class TestTokens:
    def test_a_good_token_names_its_principal(self):
        assert VERIFIER.principal(a_token(), MONDAY) == Principal(role=Role.OPERATOR, name="lan")

    def test_an_agencys_token_names_its_agency(self):
        principal = VERIFIER.principal(a_token(role="agency:dh", name="he-thong"), MONDAY)

        assert (principal.role, principal.agency, principal.actor) == (Role.AGENCY, "dh", "agency:dh")

    @pytest.mark.parametrize(
        "change",
        [
            {"private": new_key_pair()[0]},
            {"issuer": "somebody"},
            {"audience": "elsewhere"},
            {"role": "root"},
            {"role": "portal"},
            {"role": "agency"},
            {"role": "operator:dh"},
            {"lasts": timedelta(seconds=-1)},
            {"at": MONDAY + timedelta(days=1)},
        ],
        ids=str,
    )
    def test_anything_else_is_denied(self, change):
        with pytest.raises(Denied) as denied:
            VERIFIER.principal(a_token(**change), MONDAY)

        assert denied.value.status == 401

    def test_a_token_is_denied_once_it_expired_or_was_revoked(self):
        token = a_token()
        jti = jwt.decode(token, options={"verify_signature": False})["jti"]

        with pytest.raises(Denied, match="expired"):
            VERIFIER.principal(token, MONDAY + timedelta(hours=8))
        with pytest.raises(Denied):
            TokenVerifier(public_key=PUBLIC, issuer="hoiam", audience="hoiam", revoked=frozenset({jti})).principal(token, MONDAY)

    @pytest.mark.parametrize("algorithm", ["none", "HS256"])
    def test_no_other_algorithm_is_believed(self, algorithm):
        claims = jwt.decode(a_token(), options={"verify_signature": False})
        forged = jwt.encode(claims, None if algorithm == "none" else "x" * 64, algorithm=algorithm)

        with pytest.raises(Denied):
            VERIFIER.principal(forged, MONDAY)

    def test_without_a_key_every_token_is_denied(self):
        with pytest.raises(Denied, match="JWT_PUBLIC_KEY"):
            TokenVerifier(public_key="", issuer="hoiam", audience="hoiam").principal(a_token(), MONDAY)


class TestLinks:
    def test_a_secret_opens_its_own_report_only_and_under_its_own_key_only(self):
        mine, other = uuid4(), uuid4()
        secret = link_secret("key", mine)

        assert link_opens("key", mine, secret)
        assert not link_opens("key", other, secret)
        assert not link_opens("another key", mine, secret)
        assert not link_opens("key", mine, "")
        assert not link_opens("key", mine, "đoán mò")

    def test_a_repeated_report_gets_the_same_secret(self):
        report = uuid4()

        assert link_secret("key", report) == link_secret("key", report)
