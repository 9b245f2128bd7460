"""The two kinds of failure a handler may state; everything else is a bug or an outage and is retried."""


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """A rule says no: never retried. ``status`` is the HTTP status, ``code`` a stable word that clients may switch on."""

    status = 409
    code = "refused"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code


class NotFound(Refused):
    """Nothing by that name is known here, or it is not the caller's to know."""

    status = 404
    code = "not_found"


class Forbidden(Refused):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"


class NotYet(Exception):  # noqa: N818 - a state of affairs, not an error
    """The message came before the one it builds on; the runtime holds it for a few seconds and tries again."""
