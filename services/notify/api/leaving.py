"""The page at the end of every letter: one click, and there are no more."""

from html import escape
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from services.notify.domain.asking import Leave
from services.notify.domain.leaving import Leaving
from services.notify.domain.replies import Whose
from services.notify.settings import NotifySettings
from services.notify.store.reaching import person_behind
from shared.errors import NotFound
from shared.openapi import declared
from shared.web import Desk

ASKS = "Thôi nhận thư · Stop these letters"
REPORT, ALL, BACK = (
    "Thôi nhận thư về phản ánh này · No more about this report",
    "Thôi nhận mọi thư của hệ thống · No more letters at all",
    "Nhận thư trở lại · I want them again",
)
NO_MORE = "Ông/bà đã thôi theo dõi phản ánh này. · You no longer follow this report."
DONE = {
    "report": "Ông/bà sẽ không nhận thư về phản ánh này nữa. · There will be no more letters about this report.",
    "all": "Ông/bà sẽ không nhận thư nào nữa. · There will be no more letters at all.",
    "resume": "Ông/bà sẽ lại nhận thư. · There will be letters again.",
}
AGAIN = {"report": ("resume", BACK), "all": ("resume", BACK), "resume": ("all", ALL)}
Scope = Literal["report", "all", "resume"]


def routes(desk: Desk, settings: NotifySettings) -> APIRouter:
    """Two of them, for whoever holds the link."""
    router = APIRouter(prefix="/v1/leave", tags=["leaving"], default_response_class=HTMLResponse)
    errors = declared({404: "link_wrong"})

    def opened(token: str) -> Leaving:
        leaving = Leaving.read(settings.link_key, token)
        if leaving is None:
            raise NotFound("this is not a link from one of our letters: please use it whole", code="link_wrong")
        return leaving

    @router.get("/{token}", responses=errors)
    def ask(token: str) -> str:
        """Ask what shall end. Looking changes nothing, so that mail programs that open every link do no harm."""
        opened(token)
        return _page(ASKS, (("report", REPORT), ("all", ALL)))

    @router.post("/{token}", responses=errors)
    async def leave(token: str, scope: Annotated[Scope, Form()] = "report", back: Annotated[str, Form(max_length=200)] = "") -> str:
        """No more letters (RFC 8058: mail programs post here by themselves); the same again says the same. Who follows follows no more."""
        leaving = opened(token)
        person = leaving.person_in(settings.link_key, back) or await run_in_threadpool(_person, desk, leaving)
        await desk.say(Leave.by(leaving, at=desk.clock(), person=person, everywhere=scope == "all", undo=scope == "resume"))
        if scope == "report" and leaving.whose == Whose.FOLLOWER:
            return _page(NO_MORE, (("all", ALL),))
        return _page(DONE[scope], (AGAIN[scope],), leaving.way_back(settings.link_key, person))

    return router


def _person(desk: Desk, leaving: Leaving) -> str:
    with desk.sessions() as session:
        return person_behind(session, leaving.name)


def _page(title: str, choices: tuple[tuple[str, str], ...], back: str = "") -> str:
    """Plain, without scripts and styles: it is read on any telephone."""
    kept = f'<input type="hidden" name="back" value="{escape(back)}">' if back else ""
    buttons = "".join(
        f'<form method="post">{kept}<button name="scope" value="{value}">{escape(words)}</button></form>\n' for value, words in choices
    )
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(ASKS)}</title>'
    return f'<!doctype html>\n<html lang="vi">{head}\n<h1>{escape(title)}</h1>\n{buttons}</html>\n'
