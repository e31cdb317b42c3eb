"""Who is let in: every request passes here, before the handshake if it wants a websocket.

Refused are an unknown path, a token that is missing or wrong, a page of another origin, and who
finds no place. What is no websocket is answered here too.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response

from simulst.errors import OverloadedError, ProtocolError
from simulst.server import routes
from simulst.server.admission import Admission
from simulst.server.metrics import Metrics
from simulst.server.pages import Pages, answer
from simulst.server.session import Session
from simulst.server.sessions import Place, Sessions
from simulst.server.tokens import NOBODY, Identity, Tokens, shown
from simulst.server.wire import messages
from simulst.server.wire.base import Handshake, Request, Wire

__all__ = ["Door", "Gate", "Ticket"]

MOST_READERS = 500  # of one session


@dataclass(frozen=True, slots=True)
class Door:
    """Where the server listens, and whom it lets in.

    Attributes:
        host, port: of the socket; port 0 takes any that is free.
        tokens: that are good; without any, everybody is let in.
        origins: of web pages that may connect, beside the server's own.
        tls: certificate and key, or None for plain connections.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    tokens: Tokens = field(default_factory=Tokens)
    origins: frozenset[str] = frozenset()
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is known of a connection that was let in.

    Attributes:
        wire: that it speaks.
        state: of the wire.
        requests: of the wire, to be carried out first.
        place: for a session; None for who reads along.
        target: language that the address asks for; "" where it names none.
        follows: the session that is read along.
        after: the number after which its news are wanted; None for those to come.
    """

    wire: Wire
    state: Any
    requests: Sequence[Request] = ()
    place: Place | None = None
    target: str = ""
    follows: Session | None = None
    after: int | None = None


class Gate:
    """Looks at requests.

    Args:
        door: whom it lets in.
        sessions: of the server.
        admission: that knows the capacity.
        metrics: told of who is refused.
    """

    def __init__(
        self, door: Door, sessions: Sessions, admission: Admission, metrics: Metrics
    ) -> None:
        self._door = door
        self._sessions = sessions
        self._admission = admission
        self._metrics = metrics
        self._pages = Pages()

    def pass_through(self, request: HttpRequest) -> Ticket | Response:
        """A ticket for a websocket, or the answer to all else."""
        try:
            address = urlsplit(request.path)
        except ValueError:
            return self._refuse("path", HTTPStatus.BAD_REQUEST, "this is no address")
        # the first value of each name
        query = dict(reversed(parse_qsl(address.query, keep_blank_values=True)))
        headers = {name.lower(): v for name, v in reversed(list(request.headers.raw_items()))}
        authorization = headers.pop("authorization", "")
        path = unquote(address.path)
        upgrade = "upgrade" in headers
        if not upgrade and (page := self._page(path, authorization)):
            return page
        handshake = Handshake(path, query, headers)
        wire = routes.find(handshake)
        if wire is None:
            return self._refuse("path", HTTPStatus.NOT_FOUND, "there is nothing at this path")
        if not self._comes_from_here(headers):
            return self._refuse(
                "origin", HTTPStatus.FORBIDDEN, "pages of this origin may not connect (--origin)"
            )
        token = shown(authorization, query.pop(wire.sends_token_in_query, ""))
        identity = self._identity(token)
        if path == routes.FOLLOW:
            admitted = self._follow(query.get("session", ""), token, identity)
        elif identity is None or identity.reads:
            admitted = self._unauthorised()
        else:
            admitted = self._place(identity, query.get("session", ""))
        if isinstance(admitted, Response):
            return admitted
        if not upgrade:
            if isinstance(admitted, Place):
                admitted.give_back()
            text = "this is the address of a websocket"
            return answer(HTTPStatus.UPGRADE_REQUIRED, text, Upgrade="websocket")
        try:
            state, requests = wire.open(handshake)
            after = _number(query.get("after"))
            if target := messages.language("to", query.get("to")):
                self._sessions.check(target)
            if isinstance(admitted, Session):
                self._sessions.check_reading(admitted, target)
        except OverloadedError as error:
            return self._full(error)
        except ProtocolError as error:
            if isinstance(admitted, Place):
                admitted.give_back()
            return self._refuse("address", HTTPStatus.BAD_REQUEST, str(error))
        if isinstance(admitted, Session):
            return Ticket(wire, state, requests, None, target, admitted, after)
        return Ticket(wire, state, requests, admitted, target)

    # -- websockets ----------------------------------------------------------------------------

    def _identity(self, token: str) -> Identity | None:
        return self._door.tokens.find(token) if self._door.tokens else NOBODY

    def _comes_from_here(self, headers: Mapping[str, str]) -> bool:
        """Whether the page that connects is ours or allowed; programs send no origin.

        A name may be made to point to this machine by anyone (DNS rebinding), so that without
        tokens a page is taken for ours only if its address is a number or localhost.
        """
        origin, host = headers.get("origin"), headers.get("host", "")
        if origin is None or origin in self._door.origins:
            return True
        ours = origin in (f"http://{host}", f"https://{host}")
        return ours and (bool(self._door.tokens) or _is_fixed(host))

    def _follow(
        self, name: str, token: str, identity: Identity | None
    ) -> Session | Place | Response:
        """The session to read along, for who has its key or a token."""
        session = self._sessions.named(name)
        has_key = session is not None and any(
            hmac.compare_digest(session.follow.encode(), each.encode("utf-8", "replace"))
            for each in (name, token)
        )
        if identity is None and not has_key:
            return self._unauthorised()
        if session is None or session.over:
            return self._refuse("session", HTTPStatus.NOT_FOUND, "there is no such session")
        if len(session.audience.readers) >= MOST_READERS:
            text = f"{MOST_READERS} read along already"
            return self._refuse("readers", HTTPStatus.SERVICE_UNAVAILABLE, text, Retry_After="30")
        return session

    def _place(self, identity: Identity, returning: str) -> Session | Place | Response:
        """A place for a session; who comes back for one may find it without."""
        try:
            self._sessions.enter(identity.name)
        except OverloadedError as error:
            if self._sessions.may_return(returning):
                return Place(self._sessions, identity.name, held=False)
            return self._full(error)
        return Place(self._sessions, identity.name, held=True)

    def _full(self, error: OverloadedError) -> Response:
        status, retry_s = HTTPStatus.SERVICE_UNAVAILABLE, str(error.retry_s)
        return self._refuse("full", status, str(error), Retry_After=retry_s)

    def _unauthorised(self) -> Response:
        text = "a token is needed: Authorization: Bearer TOKEN"
        return self._refuse(
            "token", HTTPStatus.UNAUTHORIZED, text, WWW_Authenticate='Bearer realm="simulst"'
        )

    def _refuse(self, why: str, status: HTTPStatus, text: str, **headers: str) -> Response:
        self._metrics.refused(why)
        return answer(status, f"{text}\n", **headers)

    # -- everything else -----------------------------------------------------------------------

    def _page(self, path: str, authorization: str) -> Response | None:
        match path:
            case "/healthz":
                return answer(HTTPStatus.OK, "alive\n")
            case "/readyz" if self._sessions.draining:
                return answer(HTTPStatus.SERVICE_UNAVAILABLE, "about to stop\n")
            case "/readyz":
                return answer(HTTPStatus.OK, "ready\n")
            case "/metrics" | "/v1/languages":
                if self._identity(shown(authorization, "")) is None:
                    return self._unauthorised()
                if path == "/metrics":
                    return answer(HTTPStatus.OK, self._figures(), "text/plain; version=0.0.4")
                return answer(HTTPStatus.OK, self._languages(), "application/json")
        return self._pages.find(path)

    def _figures(self) -> str:
        running = self._sessions.running()
        waiting = sum(each.cut_s is not None for each in running)
        admission, targets = self._admission, self._sessions.engine.targets
        read = {t: sum(t in each.languages.present for each in running) for t in targets}
        return self._metrics.text(
            len(running),
            waiting,
            admission.capacity,
            admission.cost,
            read if len(targets) > 1 else None,
        )

    def _languages(self) -> str:
        engine = self._sessions.engine
        return json.dumps({"source": [engine.source_language], "target": [*engine.targets]})


def _is_fixed(host: str) -> bool:
    """Whether the host of a Host header is a number or localhost."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name) is not None
    except ValueError:
        return False


def _number(text: str | None) -> int | None:
    """The `after` of an address.

    Raises:
        ProtocolError: it is no number.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ProtocolError(f"after is {text[:20]!a}: it is an update's number", fatal=True)
    return int(text)
