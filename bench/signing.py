"""DKIM: both signatures over a message of 5 kB, beside dkimpy's one, and beside OpenSSL's bare RSA."""

import re
import subprocess
from collections.abc import Callable

import dkim as dkimpy

from bench.measure import Row, compare, interleaved, per_second
from mailctl.standards import dkim
from mailctl.standards.dkim_sign import Signer, sign

HEADER = (
    b"From: Shop <orders@shop.example>\r\nTo: Customer <customer@client.example>\r\n"
    b"Subject: Your order 4711 is on its way\r\nDate: Tue, 01 Dec 2026 10:00:00 +0000\r\n"
    b"Message-ID: <4711@shop.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
)
MESSAGE = HEADER + b"".join(
    b"Line %04d of a body as a shop would write it, of no particular sense.\r\n" % n for n in range(70)
)


def openssl(algorithm: str) -> Callable[[], float]:
    """Signatures a CPU second by `openssl speed`, which measures for a second."""

    def measure() -> float:
        words = ["openssl", "speed", "-seconds", "1", algorithm]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        line = next(line for line in done.stdout.splitlines() if re.match(r"\s*(rsa|253)", line))
        return float(line.split()[-2])

    return measure


def rows(rounds: int) -> list[Row]:
    """The keys of cryptography's own OpenSSL, which need not be the system's, are measured bare as well."""
    rsa = dkim.generate("rsa")
    signers = [
        Signer("shop.example", "r1", "rsa", rsa),
        Signer("shop.example", "e1", "ed25519", dkim.generate("ed25519")),
    ]
    relaxed = (b"relaxed", b"relaxed")
    seen = interleaved(
        {
            "both": per_second(lambda: sign(MESSAGE, signers, time=1_796_000_000), 200),
            "dkimpy": per_second(
                lambda: dkimpy.sign(MESSAGE, b"r1", b"shop.example", rsa, canonicalize=relaxed), 20
            ),
            "openssl": openssl("rsa2048"),
            "bare": per_second(lambda: [signer.signature(b"bare") for signer in signers], 200),
        },
        rounds,
    )
    name = f"DKIM RSA + Ed25519, {len(MESSAGE) / 1000:.0f} kB"
    return [
        compare(name, "/s", seen, "both", "dkimpy", peer="dkimpy, RSA alone", target="≥ 15"),
        compare(name, "/s", seen, "both", "openssl", peer="openssl speed rsa2048", target="≥ 0.55"),
        compare(name, "/s", seen, "both", "bare", peer="the two bare signatures"),
        compare("the two bare signatures", "/s", seen, "bare", "dkimpy", peer="dkimpy, RSA alone"),
    ]
