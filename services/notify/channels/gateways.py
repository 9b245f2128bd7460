"""Short messages and Zalo (ZNS), through whatever gateway a province has a contract with: the call, and how to read its answer, are data.

A gateway's texts are Jinja2 templates and its rules Jinja2 expressions, in the sandbox, checked when they are loaded. What people wrote
only ever is a value in them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from jinja2 import ChainableUndefined, StrictUndefined, TemplateError, meta
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.notify.channels import Addressee, Faltering, Permanent
from services.notify.channels.network import Answer, Outbound
from services.notify.domain.notices import Notice
from shared.texts import without_marks

VALUES = frozenset({"id", "to", "text", "subject", "link", "tracking_code", "about", "language", "template", "secrets"})
READ = 4096  # bytes of an answer
HOSTILE = 'a"b\\c\n{{ 7 }} đ'  # stands for every value when a template is checked
SIMPLE_BODY = '{"id": {{ id | tojson }}, "to": {{ to | tojson }}, "text": {{ text | tojson }}}'


class BrokenGateway(ValueError):  # noqa: N818 - what a person has to put right
    """``str`` names the gateway, and what is wrong with it."""


class Gateway(BaseModel):
    """One gateway as data. ``sent`` and ``never`` judge ``status`` and ``answer`` (JSON, or none); neither true: it is tried again.

    With ``templates`` (by topic) it takes nothing else: ZNS has its texts approved one by one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")] = "sms"
    url: Annotated[str, Field(pattern=r"^https?://[^{}/\s]+(/|$)")]  # no value chooses the host
    method: Annotated[str, Field(pattern=r"^(GET|POST|PUT)$")] = "POST"
    headers: Mapping[str, str] = {"content-type": "application/json"}
    body: str = SIMPLE_BODY
    sent: str = "200 <= status < 300"
    never: str = "400 <= status < 500 and status not in (401, 403, 408, 429)"
    templates: Mapping[str, str] = {}

    @property
    def is_json(self) -> bool:
        """Whether the body is to be JSON."""
        return any("json" in value for name, value in self.headers.items() if name.lower() == "content-type")

    @property
    def texts(self) -> dict[str, str]:
        """All of its templates, by what they are for."""
        return {"url": self.url, "body": self.body} | {f"header {name}": text for name, text in self.headers.items()}


class Secrets(Mapping[str, str]):
    """Files of a folder by name, read each time: a token that is renewed every day needs no restart."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def __getitem__(self, name: str) -> str:
        if self._folder is None or Path(name).name != name:
            raise KeyError(name)
        try:
            return (self._folder / name).read_text(encoding="utf-8").strip()
        except OSError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class GatewayChannel:
    """Sends through one gateway. The notice's id goes with every try: a gateway that knows it sends nothing twice."""

    at_once = 8

    def __init__(self, gateway: Gateway, secrets: Secrets) -> None:
        self.gateway, self.name, self._secrets = gateway, gateway.name, secrets
        self._http = Outbound(anywhere=True)  # chosen by who runs the province, often on an inner network
        self._texts = _Texts(gateway)

    def takes(self, about: str) -> bool:
        """Whether it has a text for that topic."""
        return not self.gateway.templates or about in self.gateway.templates

    def send(self, notice: Notice, to: Addressee) -> None:
        values = {
            "id": str(notice.id),
            "to": to.address,
            "text": f"{notice.subject}. {to.link}",
            "subject": notice.subject,
            "link": to.link,
            "tracking_code": to.tracking_code,
            "about": notice.about,
            "language": notice.language,
            "template": self.gateway.templates.get(notice.about, ""),
            "secrets": self._secrets,
        }
        try:
            url, headers, body = self._texts.rendered(values)
        except TemplateError as error:
            raise Faltering(f"the gateway's templates can't be filled: {type(error).__name__}") from None
        self._judge(self._http.call(self.gateway.method, url, headers, body.encode(), read=READ))

    def rest(self) -> None:
        """Nothing is kept open."""

    def _judge(self, answer: Answer) -> None:
        known = {"status": answer.status, "answer": _json(answer.body)}
        if self._texts.sent(**known):
            return
        never = self._texts.never(**known)
        raise (Permanent if never else Faltering)(f"the gateway {self.name} answers {answer.status}: {'never' if never else 'not now'}")


class _Texts:
    """The compiled templates and rules of a gateway. Raises :class:`BrokenGateway`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._environment = _environment(StrictUndefined)
        try:
            for place, text in gateway.texts.items():
                self._check(place, text)
            rules = _environment(ChainableUndefined)
            self.sent, self.never = (rules.compile_expression(rule, undefined_to_none=False) for rule in (gateway.sent, gateway.never))
            self.sent(status=200, answer=None), self.never(status=200, answer=None)
        except (TemplateError, TypeError, ValueError) as error:
            raise BrokenGateway(f"gateway {gateway.name}: {error}") from None
        self._templates = {place: self._environment.from_string(text) for place, text in gateway.texts.items()}

    def rendered(self, values: Mapping[str, Any]) -> tuple[str, dict[str, str], str]:
        """URL, headers and body. A value that breaks a line breaks no header."""
        made = {place: template.render(values) for place, template in self._templates.items()}
        headers = {name: " ".join(made[f"header {name}"].split()) for name in self._gateway.headers}
        return "".join(made["url"].split()), headers, made["body"]

    def _check(self, place: str, text: str) -> None:
        strangers = meta.find_undeclared_variables(self._environment.parse(text)) - VALUES
        if strangers:
            raise ValueError(f"in {place} nothing is called {', '.join(sorted(strangers))}; known are {', '.join(sorted(VALUES))}")
        values = dict.fromkeys(VALUES, HOSTILE) | {"secrets": _AnySecret()}
        made = self._environment.from_string(text).render(values)
        if place == "url" and re.search(r"[\s\"\\{]", made):
            raise ValueError("a value in url needs `| urlencode`")
        if place == "body" and self._gateway.is_json:
            _check_json(made)


class _AnySecret(dict[str, str]):
    def __missing__(self, _name: str) -> str:
        return HOSTILE


def read_gateways(path: Path) -> list[Gateway]:
    """From a YAML list, the best first. Raises :class:`BrokenGateway`."""
    try:
        gateways = [Gateway.model_validate(one) for one in yaml.safe_load(path.read_text(encoding="utf-8")) or []]
    except ValidationError as error:
        raise BrokenGateway(f"{path.name}: {error}") from None
    except (OSError, TypeError, yaml.YAMLError) as error:
        raise BrokenGateway(f"{path.name} can't be read: {error}") from None
    names = [gateway.name for gateway in gateways]
    if len({*names, "email", "mailbox", "webhook", "reporter"}) != len(names) + 4:
        raise BrokenGateway(f"{path.name}: each gateway needs a name of its own: {', '.join(names)}")
    return gateways


def _check_json(made: str) -> None:
    try:
        json.loads(made)
    except ValueError:
        raise ValueError("a value in the JSON body needs `| tojson`, without quotation marks around it") from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _environment(undefined: Any) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(undefined=undefined, autoescape=False)
    environment.filters |= {"digits": lambda text: re.sub(r"\D", "", text), "without_marks": without_marks}
    return environment
