"""Work lists as tests read them, and a town full of cases to be in them."""

from services.sla.domain.worklists import View
from shared import messages as say
from shared.messages import Location
from tests.builders import MONDAY, received, routed
from tests.sla.cases import DAY, HOUR
from tests.sla.ways import WAYS, go

VIEWS = [view.value for view in View if view != View.SUPPORTING]
NOW, SOON, LATE = MONDAY + 2 * HOUR, MONDAY + 3 * DAY, MONDAY + 30 * DAY


def settle(caller):
    """A case in every state a case can be in, each once as it is and once with a message of its reporter that waits; and an urgent one."""
    with caller.handling.sessions.begin() as session:
        for way in WAYS:
            for more in ((), (say.ReportCommented,)):
                go(session, way, *more)
    urgent = received(urgent=True, category="GT01", location=Location(area="vl"))
    caller.tell(urgent, routed(urgent, agency="vl", urgent=True, sla_class="U4"))


def a_case(call, **fields):
    """A new one in the hands of Hướng Hóa, where no other test's are."""
    report = received()
    call.tell(report, routed(report, agency="hh", **fields))
    return str(report.report_id)


def listed(call, role="operator", **wanted):
    answer = call.get(role, "/v1/cases", limit=200, **wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()["cases"]


def ids(rows):
    return [row["report_id"] for row in rows]


def paged(call, limit, role="operator", **wanted):
    """Every page, one after the other."""
    after, seen = None, []
    while True:
        page = call.get(role, "/v1/cases", limit=limit, **wanted, **({"after": after} if after else {})).json()
        assert len(page["cases"]) <= limit
        seen += ids(page["cases"])
        after = page["next"]
        if after is None:
            return seen
