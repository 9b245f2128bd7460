"""What agencies read in their queues."""

from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.messages.kinds import Location, Photo, ToAgency


def assignment_name(report_id: UUID, agency: str, version: int) -> UUID:
    """The id of the assignment that ``agency`` was given under ``version`` of the case, however often it is sent."""
    return uuid5(report_id, f"assignment {agency} {version}")


class Assignment(ToAgency):
    """Work for the agency. The same assignment may come again until it is accepted: the id stays."""

    topic = "assignment"
    version: int
    tracking_code: str
    category: str
    category_name: str
    description: str
    location: Location
    attributes: dict[str, str] = Field(default_factory=dict)
    urgent: bool = False
    sla_class: str
    take_up_by: AwareDatetime
    due_at: AwareDatetime
    supporting: tuple[str, ...] = ()
    explanation: str = ""
    media: tuple[Photo, ...] = ()


class Comment(ToAgency):
    """The reporter wrote; answer by ``due_at``."""

    topic = "comment"
    version: int
    comment_id: UUID
    text: str
    due_at: AwareDatetime


class ReminderLine(BaseModel):
    """One more case that the same reminder is about."""

    model_config = ConfigDict(frozen=True)
    report_id: UUID
    tracking_code: str
    clock: str
    due_at: AwareDatetime
    overdue: bool


class Reminder(ToAgency):
    """The most pressing case, and ``others`` of the ``total``: a holder is reminded once in half a working day, urgent cases apart."""

    topic = "reminder"
    version: int
    clock: str
    due_at: AwareDatetime
    overdue: bool
    total: int = 1
    others: tuple[ReminderLine, ...] = ()


class Withdrawal(ToAgency):
    """Nothing more to do: the case was cancelled, refused or merged."""

    topic = "withdrawal"
    version: int
    reason: str


class Transfer(ToAgency):
    """The case went to ``to_agency``."""

    topic = "transfer"
    version: int
    to_agency: str
    reason: str


class RequestDone(ToAgency):
    """The answer to the request whose id is this message's correlation id."""

    topic = "request.done"


class RequestRefused(ToAgency):
    topic = "request.refused"
    code: str
    reason: str
