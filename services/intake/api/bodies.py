"""What may be sent: the form of it. Whether it fits the province is ``domain.checks``."""

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator

from services.intake.domain.media import MOST_OF_REPORTER
from shared.texts import Text

VIETNAM_LATITUDE, VIETNAM_LONGITUDE = (8.0, 24.0), (102.0, 118.0)  # degrees, with the islands
_PHONE = re.compile(r"(?:\+?84|0)((?:3|5|7|8|9)\d{8}|2\d{9})")  # mobile, fixed line: numbering plan of 2018
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")


def at_least(letters: int) -> Callable[[str], str]:
    """So many characters, blanks at the ends not counted."""

    def check(text: str) -> str:
        if len(text) < letters:
            raise ValueError(f"must have at least {letters} characters besides blanks")
        return text

    return check


def mail_address(text: str) -> str:
    if text and not _EMAIL.fullmatch(text):
        raise ValueError("must be an e-mail address")
    return text


def telephone(text: str) -> str:
    """In the international form (E.164)."""
    found = _PHONE.fullmatch(re.sub(r"[ .()-]", "", text))
    if text and found is None:
        raise ValueError("must be a Vietnamese telephone number, such as 0912 345 678 or +84 912 345 678")
    return f"+84{found[1]}" if found else ""


def _different(ids: tuple[UUID, ...]) -> tuple[UUID, ...]:
    if len(set(ids)) < len(ids):
        raise ValueError("must name each upload once")
    return ids


def _degrees(lowest: float, highest: float) -> object:
    return Field(ge=lowest, le=highest, strict=True, allow_inf_nan=False)


Description = Annotated[Text, AfterValidator(at_least(5))]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(Body):
    """An area code of the province, an address, a point (WGS 84): at least one of them."""

    area: Annotated[str, Field(max_length=50)] = ""
    address: Annotated[Text, Field(max_length=300)] = ""
    latitude: Annotated[float, _degrees(*VIETNAM_LATITUDE)] | None = None
    longitude: Annotated[float, _degrees(*VIETNAM_LONGITUDE)] | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude come together")
        if not self.area and not self.address and self.latitude is None:
            raise ValueError("must have an area, an address or a point")
        return self


class Contact(Body):
    """How the reporter wants to hear the answer."""

    name: Annotated[Text, Field(max_length=100)] = ""
    email: Annotated[str, Field(max_length=254), AfterValidator(mail_address)] = ""
    phone: Annotated[str, Field(max_length=30), AfterValidator(telephone)] = ""

    @model_validator(mode="after")
    def _reaches_somebody(self) -> Self:
        if not self.email and not self.phone:
            raise ValueError("must have an e-mail address or a telephone number")
        return self


class ReportBody(Body):
    """A citizen's report, as a portal sends it."""

    category: Annotated[str, Field(max_length=50)]
    description: Description
    location: Place
    attributes: Annotated[dict[str, Annotated[Text, Field(max_length=500)]], Field(max_length=20)] = {}
    urgent: StrictBool = False
    contact: Contact | None = None
    language: Literal["vi", "en"] = "vi"
    external_ref: Annotated[Text, Field(max_length=255)] = ""
    media: Annotated[tuple[UUID, ...], Field(max_length=MOST_OF_REPORTER), AfterValidator(_different)] = ()

    def fingerprint(self, key: str) -> str:
        """HMAC-SHA-256 of the content, whatever its spacing and order. Keyed: a plain hash gives the contact to whoever tries numbers."""
        content = json.dumps(self.model_dump(mode="json", exclude_defaults=True), sort_keys=True)
        return hmac.digest(key.encode(), content.encode(), "sha256").hex()


class FollowerBody(Body):
    """Somebody who wants to hear what becomes of a report, and how."""

    contact: Contact
    language: Literal["vi", "en"] = "vi"

    def fingerprint(self, key: str, report_id: UUID) -> str:
        """HMAC-SHA-256 of the address: the same contact of the same report again is known by it, and nobody else can tell whose it is."""
        content = f"follower {report_id} {self.contact.email.lower()} {self.contact.phone}"
        return hmac.new(key.encode(), content.encode(), hashlib.sha256).hexdigest()


class WithdrawalBody(Body):
    """Why it is no longer needed, if the reporter wants to say."""

    reason: Text = ""


class RatingBody(Body):
    """4 very satisfied (rất hài lòng), 3 satisfied, 2 acceptable (chấp nhận), 1 not satisfied; and why, in at most five remarks."""

    rating: Annotated[int, Field(ge=1, le=4, strict=True)]
    reasons: Annotated[tuple[Annotated[Text, Field(max_length=500)], ...], Field(max_length=5)] = ()


class ObjectionBody(Body):
    """What was not done."""

    reason: Annotated[Text, AfterValidator(at_least(10))]


class CommentBody(Body):
    """A word from the reporter."""

    text: Annotated[Text, AfterValidator(at_least(2))]
