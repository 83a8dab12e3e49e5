"""SMTP, both sides: hand one message to a server, and an embedded server that takes messages on loopback.

Promise: what is handed over are exactly the given bytes (they must have CRLF line ends; anything else is refused,
because `smtplib` would pass it on); a reply is a value, never an exception. The embedded receiver listens on
loopback only, offers XCLIENT (Postfix XCLIENT_README) so that a rehearsal can say from which address a message
would come, and bounds size and number of recipients.
"""

import asyncio
import contextlib
import re
import smtplib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import TracebackType
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from mailctl.standards.dns import Address

MAX_MESSAGE = 1_000_000  # bytes; a rehearsal's message has a few thousand
MAX_RECIPIENTS = 100  # RFC 5321 §4.5.3.1.8
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server said last. `code` is 0 where it could not be reached."""

    code: int
    text: str
    stage: str  # "connect", "ehlo", "xclient", "mail", "rcpt", "data", "message"

    @property
    def accepted(self) -> bool:
        return self.stage == "message" and 200 <= self.code < 300


@dataclass(frozen=True, slots=True)
class Received:
    """A message as the embedded server got it."""

    client: Address
    helo: str
    mail_from: str
    recipients: tuple[str, ...]
    message: bytes


async def submit(
    address: str,
    port: int,
    *,
    helo: str,
    mail_from: str,
    recipient: str,
    message: bytes,
    client: Address | None = None,
    timeout: float = 10,
) -> Reply:
    """Hand `message` over; `client` is claimed by XCLIENT. ValueError for bare CR or LF in `message`."""
    if _BARE.search(message):
        raise ValueError("the message has a bare CR or LF (RFC 5321 §2.3.8)")
    return await asyncio.to_thread(
        _submit, (address, port), helo, mail_from, recipient, message, client, timeout
    )


def _submit(
    server: tuple[str, int],
    helo: str,
    mail_from: str,
    recipient: str,
    message: bytes,
    client: Address | None,
    timeout: float,
) -> Reply:
    stage = "connect"
    smtp = smtplib.SMTP(local_hostname=helo, timeout=timeout)
    try:
        steps = _dialogue(smtp, server, helo, mail_from, recipient, message, client)
        for stage, command in steps:  # noqa: B007 - the handlers below tell how far it came
            code, text = command()
            if not 200 <= code < 300:
                break
        return _reply(code, text, stage)
    except smtplib.SMTPDataError as error:
        return _reply(error.smtp_code, error.smtp_error, "data")
    except smtplib.SMTPResponseException as error:
        return _reply(error.smtp_code, error.smtp_error, stage)
    except (OSError, smtplib.SMTPException) as error:
        return Reply(0, str(error) or type(error).__name__, stage)
    finally:
        _leave(smtp)


def _reply(code: int, said: bytes | str, stage: str) -> Reply:
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    # smtplib says -1 for a line that is no SMTP reply.
    return Reply(code, text, stage) if code > 0 else Reply(0, f"not an SMTP reply: {text}", stage)


def _leave(smtp: smtplib.SMTP) -> None:
    """Take leave, without an interest in the answer: what became of the message is known already."""
    with contextlib.suppress(OSError, smtplib.SMTPException):
        if smtp.sock is not None:
            smtp.quit()
    smtp.close()


Step = tuple[str, Callable[[], tuple[int, bytes]]]


def _dialogue(
    smtp: smtplib.SMTP,
    server: tuple[str, int],
    helo: str,
    mail_from: str,
    recipient: str,
    message: bytes,
    client: Address | None,
) -> list[Step]:
    steps: list[Step] = [("connect", lambda: smtp.connect(*server)), ("ehlo", lambda: smtp.ehlo(helo))]
    if client is not None:
        name = f"IPV6:{client}" if isinstance(client, IPv6Address) else str(client)
        steps += [("xclient", lambda: smtp.docmd("XCLIENT", f"ADDR={name} HELO={helo}"))]
        steps += [("ehlo", lambda: smtp.ehlo(helo))]
    steps += [("mail", lambda: smtp.mail(mail_from)), ("rcpt", lambda: smtp.rcpt(recipient))]
    return [*steps, ("message", lambda: smtp.data(message))]


class _Protocol(SMTP):
    """aiosmtpd's server with XCLIENT ADDR and HELO; it only ever listens on loopback."""

    @syntax("XCLIENT attribute=value ...")
    async def smtp_XCLIENT(self, arg: str) -> None:  # noqa: N802 - aiosmtpd finds it by this name
        attributes = dict(part.partition("=")[::2] for part in (arg or "").upper().split())
        try:
            client = ip_address(attributes.get("ADDR", "").removeprefix("IPV6:"))
        except ValueError:
            await self.push("501 5.5.4 Bad ADDR")
            return
        assert self.session is not None
        # aiosmtpd declares `str | None`, and holds what the socket says: a tuple.
        self.session.peer = cast(Any, (str(client), 0))
        await self.push("220 OK")


class _Handler:
    def __init__(self, deliver: "Deliver") -> None:
        self._deliver = deliver

    async def handle_EHLO(  # noqa: N802 - aiosmtpd finds it by this name
        self, _server: Any, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-XCLIENT ADDR HELO", responses[-1]]

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        received = Received(
            ip_address((session.peer or "")[0]),
            session.host_name or "",
            (envelope.mail_from or "").removeprefix("<>"),  # aiosmtpd leaves the null sender in its brackets
            tuple(envelope.rcpt_tos),
            bytes(envelope.original_content or b""),
        )
        return await self._deliver(received)


Deliver = Callable[[Received], Awaitable[str]]


class Receiver:
    """An SMTP server on 127.0.0.1 that hands each message to `deliver` and sends back the line it returns."""

    def __init__(self, deliver: Deliver, *, hostname: str) -> None:
        self._deliver = deliver
        self._hostname = hostname
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> "Receiver":
        loop = asyncio.get_running_loop()

        def protocol() -> _Protocol:
            return _Protocol(
                _Handler(self._deliver),
                hostname=self._hostname,
                ident="mailctl rehearsal",
                data_size_limit=MAX_MESSAGE,
                loop=loop,
            )

        self._server = await loop.create_server(protocol, str(IPv4Address("127.0.0.1")), 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
