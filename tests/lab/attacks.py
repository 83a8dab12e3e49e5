"""What a stranger tries on port 25: nine forms of relaying, and messages smuggled behind an odd end of data.

Both functions speak raw SMTP through a connection that the caller makes, so they serve for any host:

    attempts = relay_attempts(lambda: world.foreign.connect("192.0.2.25"), RelayTarget(…))
    assert not [attempt for attempt in attempts if attempt.accepted]
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

Connect = Callable[[], socket.socket]
QUEUED = re.compile(rb"^250 .*queued as (\w+)", re.MULTILINE)


class Smtp:
    """A client that sends exactly what it is told; replies are (code, text)."""

    def __init__(self, connect: Connect, helo: str = "host.foreign.example") -> None:
        self._socket = connect()
        self._reader = self._socket.makefile("rb")
        self.reply()
        self.command(f"EHLO {helo}")

    def reply(self) -> tuple[int, str]:
        """The next reply, all of its lines (RFC 5321 §4.2.1); code 0 when the server hung up."""
        lines = []
        while line := self._reader.readline():
            lines.append(line.decode("utf-8", "replace").rstrip())
            if line[3:4] != b"-":
                return int(line[:3]), "\n".join(lines)
        return 0, "\n".join(lines)

    def command(self, text: str) -> tuple[int, str]:
        """Send one line and read its reply."""
        self.send(text.encode() + b"\r\n")
        return self.reply()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def rest(self) -> bytes:
        """Everything that the server still says until it hangs up."""
        return self._reader.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._socket.close()


@dataclass(frozen=True)
class RelayTarget:
    """The host under attack: a domain it takes mail for (or its own name), its host name and IPv4 address."""

    local_domain: str
    host_name: str
    address: str
    victim: str = "victim@receiver.example"  # somebody at a foreign site


@dataclass(frozen=True)
class RelayAttempt:
    """One form, what was sent as the recipient, and how it ended."""

    form: str
    recipient: str
    accepted: bool  # a message for the foreign recipient was queued
    reply: str


def relay_forms(target: RelayTarget) -> dict[str, tuple[str, str]]:
    """Each form of attempt: reverse-path and forward-path, without the angle brackets."""
    user, _, foreign = target.victim.partition("@")
    stranger = "stranger@foreign.example"
    return {
        "plain": (stranger, target.victim),
        "null sender": ("", target.victim),
        "local sender": (f"postmaster@{target.local_domain}", target.victim),
        "percent hack": (stranger, f"{user}%{foreign}@{target.local_domain}"),
        "percent hack with the host's name": (stranger, f"{user}%{foreign}@{target.host_name}"),
        "percent hack with an address literal": (stranger, f"{user}%{foreign}@[{target.address}]"),
        "bang path": (stranger, f"{foreign}!{user}@{target.local_domain}"),
        "source route": (stranger, f"@{target.host_name},@{target.local_domain}:{target.victim}"),
        "quoted local part": (stranger, f'"{target.victim}"@{target.local_domain}'),
        "two at signs": (stranger, f"{target.victim}@{target.local_domain}"),
        "no domain": (stranger, f"{user}%{foreign}"),
        "numeric domain": (stranger, f"{user}@{_number(target.address)}"),
        "foreign address literal": (stranger, f"{user}@[192.0.2.80]"),
    }


def _number(address: str) -> int:
    return int.from_bytes(bytes(int(part) for part in address.split(".")), "big")


def relay_attempts(connect: Connect, target: RelayTarget) -> list[RelayAttempt]:
    """Try every form from the network that `connect` belongs to; the caller asserts none was accepted."""
    return [
        _attempt(connect, form, sender, recipient)
        for form, (sender, recipient) in relay_forms(target).items()
    ]


def _attempt(connect: Connect, form: str, sender: str, recipient: str) -> RelayAttempt:
    with Smtp(connect) as smtp:
        code, text = 0, ""
        for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"):
            code, text = smtp.command(line)
            if not 200 <= code < 400:
                return RelayAttempt(form, recipient, False, text)
        smtp.send(b"From: stranger@foreign.example\r\nSubject: relay attempt\r\n\r\nrelayed?\r\n.\r\n")
        code, text = smtp.reply()
        return RelayAttempt(form, recipient, 200 <= code < 300, text)


# What some servers take for the end of data (SMTP smuggling, CVE-2023-51764).
# RFC 5321 §4.1.1.4 knows only CRLF.CRLF.
ODD_ENDS = (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\r\n\0.\r\n")


def smuggle(connect: Connect, sender: str, recipient: str) -> dict[bytes, int]:
    """How many messages the server queued for each odd end of data: one is right, two is one smuggled.

    Zero is right as well where the server refuses such a line (`smtpd_forbid_bare_newline = reject`).
    """
    return {end: _smuggle_one(connect, end, sender, recipient) for end in ODD_ENDS}


def _smuggle_one(connect: Connect, end: bytes, sender: str, recipient: str) -> int:
    envelope = f"MAIL FROM:<{sender}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()
    header = f"From: {sender}\r\nTo: {recipient}\r\n".encode()
    outer = header + b"Subject: outer\r\n\r\nbody" + end
    inner = envelope + header + b"Subject: smuggled\r\n\r\ninner"
    with Smtp(connect, "localhost") as smtp:
        for line in envelope.decode().splitlines():
            code, text = smtp.command(line)
            if code not in (250, 354):
                raise AssertionError(f"{line} was answered {text}")  # then nothing would be proven
        smtp.send(outer + inner + b"\r\n.\r\nQUIT\r\n")
        return len(QUEUED.findall(smtp.rest()))
