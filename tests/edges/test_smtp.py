"""SMTP, both sides: our client against servers that follow a script, our server against a plain socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from mailctl.edges.smtp import MAX_MESSAGE, MAX_RECIPIENTS, Received, Receiver, Reply, submit

MESSAGE = b"From: a@shop.example\r\nTo: b@receiver.example\r\nSubject: hello\r\n\r\nHello.\r\n.dot\r\n"
STAGES = ("connect", "ehlo", "xclient", "mail", "rcpt", "data", "message")
POLITE = {
    "connect": "220 there ESMTP",
    "EHLO": "250-there\r\n250 XCLIENT ADDR HELO",
    "XCLIENT": "220 there ESMTP",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    ".": "250 2.0.0 queued",
    "QUIT": "221 bye",
}
WORDS = dict(zip(STAGES, ("connect", "EHLO", "XCLIENT", "MAIL", "RCPT", "DATA", "."), strict=True))


@asynccontextmanager
async def scripted(answers: Mapping[str, str]) -> AsyncIterator[int]:
    """A server that says what the script says, "" for a connection that is cut; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        word, in_data = "connect", False
        try:
            while True:
                if not in_data:
                    if not answers[word]:
                        break
                    writer.write(answers[word].encode("latin-1") + b"\r\n")
                    await writer.drain()
                    in_data = word == "DATA" and answers[word].startswith("354")
                line = await reader.readline()
                if not line:
                    break
                if in_data and line != b".\r\n":
                    continue
                in_data = False
                word = "." if line == b".\r\n" else line.split()[0].decode().upper()
        except OSError:
            pass  # the client may go whenever it likes
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def hand_over(port: int, **changes: object) -> Reply:
    options: dict[str, object] = {
        "helo": "mail.shop.example",
        "mail_from": "bounces@shop.example",
        "recipient": "b@receiver.example",
        "message": MESSAGE,
        "client": ip_address("192.0.2.10"),
        "timeout": 5,
    }
    return await submit("127.0.0.1", port, **{**options, **changes})  # type: ignore[arg-type]


def against(answers: Mapping[str, str], **changes: object) -> Reply:
    async def body() -> Reply:
        async with scripted({**POLITE, **answers}) as port:
            return await hand_over(port, **changes)

    return asyncio.run(body())


def test_a_message_is_handed_over() -> None:
    reply = against({})
    assert reply == Reply(250, "2.0.0 queued", "message")
    assert reply.accepted


@pytest.mark.parametrize("code", [421, 451, 550, 554])
@pytest.mark.parametrize("stage", STAGES)
def test_a_refusal_is_told_with_its_stage(stage: str, code: int) -> None:
    reply = against({WORDS[stage]: f"{code} 5.7.1 no, thank you"})
    assert reply == Reply(code, "5.7.1 no, thank you", stage)
    assert not reply.accepted


@pytest.mark.parametrize("stage", STAGES)
def test_garbage_is_no_reply(stage: str) -> None:
    reply = against({WORDS[stage]: "\xff\x00<html>who are you?"})
    assert (reply.code, reply.stage) in {(0, stage), (0, "message" if stage == "data" else stage)}
    assert not reply.accepted


@pytest.mark.parametrize("stage", STAGES)
def test_a_connection_that_is_cut_is_no_reply(stage: str) -> None:
    reply = against({WORDS[stage]: ""})
    assert reply.code == 0
    assert reply.text
    assert not reply.accepted


@pytest.mark.parametrize("farewell", ["221 bye", "500 what?", "421 too late", "garbage", ""])
def test_what_a_server_says_to_quit_changes_nothing(farewell: str) -> None:
    assert against({"QUIT": farewell}) == Reply(250, "2.0.0 queued", "message")
    assert against({"QUIT": farewell, "RCPT": "550 no"}) == Reply(550, "no", "rcpt")


def test_a_closed_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can be there
        reply = asyncio.run(hand_over(taken.getsockname()[1]))
    assert (reply.code, reply.stage) == (0, "connect")
    assert "refused" in reply.text


def test_a_server_that_stays_silent_is_given_up() -> None:
    async def body() -> Reply:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            return await hand_over(server.sockets[0].getsockname()[1], timeout=0.2)

    reply = asyncio.run(body())
    assert (reply.code, reply.stage) == (0, "connect")
    assert "timed out" in reply.text


@pytest.mark.parametrize("message", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n", b"\n", b"a\r", b"a\r\n.\n.\r\n"])
def test_bare_line_ends_are_refused_before_anything_is_sent(message: bytes) -> None:
    with pytest.raises(ValueError, match="bare CR or LF"):
        asyncio.run(submit("192.0.2.1", 25, helo="h", mail_from="a", recipient="b", message=message))


# The receiver -----------------------------------------------------------------------------------------------------

Deliver = Callable[[Received], Awaitable[str]]


def received(*, answer: str = "250 2.0.0 judged", **changes: object) -> tuple[Reply, list[Received]]:
    got: list[Received] = []

    async def deliver(message: Received) -> str:
        got.append(message)
        return answer

    async def body() -> Reply:
        async with Receiver(deliver, hostname="receiver.example") as receiver:
            return await hand_over(receiver.port, **changes)

    return asyncio.run(body()), got


@pytest.mark.parametrize("client", ["192.0.2.10", "2001:db8::10", "::ffff:192.0.2.1"])
def test_the_receiver_gets_the_very_bytes_from_the_claimed_address(client: str) -> None:
    reply, (got,) = received(client=ip_address(client))
    assert reply == Reply(250, "2.0.0 judged", "message")
    assert got == Received(
        ip_address(client), "mail.shop.example", "bounces@shop.example", ("b@receiver.example",), MESSAGE
    )


def test_without_a_claim_the_client_is_the_socket() -> None:
    _, (got,) = received(client=None)
    assert got.client == ip_address("127.0.0.1")


def test_the_null_sender() -> None:
    _, (got,) = received(mail_from="")
    assert got.mail_from == ""


@pytest.mark.parametrize("answer", ["550 5.7.1 rejected by policy", "451 4.7.0 later"])
def test_what_the_judge_says_is_the_reply(answer: str) -> None:
    reply, got = received(answer=answer)
    assert (f"{reply.code} {reply.text}", reply.stage) == (answer, "message")
    assert len(got) == 1


def test_a_message_that_is_too_large_is_refused() -> None:
    line = b"x" * 998 + b"\r\n"
    reply, got = received(message=MESSAGE + line * (MAX_MESSAGE // len(line) + 1))
    assert (reply.code, reply.stage, got) == (552, "message", [])


def dialogue(*lines: str) -> list[str]:
    """What the receiver says to each line; the first is its greeting."""

    async def deliver(_: Received) -> str:
        return "250 never"

    async def body() -> list[str]:
        async with Receiver(deliver, hostname="receiver.example") as receiver:
            reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
            said: list[str] = []
            for line in ("", *lines):
                if said:
                    writer.write(line.encode() + b"\r\n")
                answer = [await reader.readline()]
                while answer[-1][3:4] == b"-":
                    answer.append(await reader.readline())
                said.append(b"".join(answer).decode())
            writer.close()
            await writer.wait_closed()
            return said

    return asyncio.run(body())


@pytest.mark.parametrize("claim", ["", "ADDR=", "ADDR=nonsense", "HELO=x", "ADDR=IPV6:192.0.2.300", "ADDR"])
def test_a_claim_that_is_no_address_is_refused(claim: str) -> None:
    said = dialogue("EHLO x", f"XCLIENT {claim}", "NOOP")
    assert said[2].startswith("501")
    assert said[3].startswith("250")


def test_it_offers_xclient_and_names_itself() -> None:
    greeting, capabilities = dialogue("EHLO x")
    assert greeting.startswith("220 receiver.example mailctl rehearsal")
    assert "250-XCLIENT ADDR HELO\r\n" in capabilities
    assert capabilities.splitlines()[-1].startswith("250 ")


def test_the_number_of_recipients_is_bounded() -> None:
    said = dialogue("EHLO x", "MAIL FROM:<a@b.example>", *["RCPT TO:<c@d.example>"] * (MAX_RECIPIENTS + 1))
    assert said[-1].startswith("452")
    assert said[-2].startswith("250")


def test_it_listens_on_loopback_only() -> None:
    async def deliver(_: Received) -> str:
        return "250 never"

    async def body() -> list[str]:
        async with Receiver(deliver, hostname="receiver.example") as receiver:
            assert receiver._server is not None
            return [found.getsockname()[0] for found in receiver._server.sockets]

    assert asyncio.run(body()) == ["127.0.0.1"]
