"""OpenDKIM, which nobody of us wrote, accepts what we sign, with both kinds of key."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mailctl.standards import dkim
from mailctl.standards.dkim_sign import Signer, sign

OPENDKIM = shutil.which("opendkim", path="/usr/sbin:/usr/local/sbin:/usr/bin")
MESSAGE = (
    b"From: A <a@example.com>\r\nTo: b@example.net\r\nSubject:  folded\r\n\t subject \r\n"
    b"List-Unsubscribe: <https://example.com/u>\r\nContent-Type: text/plain\r\n\r\n"
    b"Hello  world \t, a line. \r\n\r\n" + b"\xff\x80 bytes\r\n" * 50 + b" \r\n\r\n"
)


@pytest.mark.server
@pytest.mark.skipif(OPENDKIM is None, reason="needs the Debian package opendkim")
@pytest.mark.parametrize(("change", "expected"), [(b"", "pass"), (b"More.\r\n", "fail")])
def test_opendkim_verifies_both_signatures(change: bytes, expected: str, tmp_path: Path) -> None:
    names: tuple[dkim.Algorithm, ...] = ("rsa", "ed25519")
    signers = [Signer("example.com", f"s-{name}", name, dkim.generate(name)) for name in names]
    keys = [f"{s.selector}._domainkey.example.com {dkim.public_text(s.key_pem)}\n" for s in signers]
    (tmp_path / "keys").write_text("".join(keys), encoding="ascii")
    (tmp_path / "message").write_bytes(sign(MESSAGE, signers, time=1_700_000_000) + change)
    settings = f"Mode v\nSyslog no\nTestPublicKeys {tmp_path}/keys\n"
    (tmp_path / "conf").write_text(settings, encoding="ascii")
    command = [str(OPENDKIM), "-x", str(tmp_path / "conf"), "-t", str(tmp_path / "message"), "-vv"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    found = re.findall(r"dkim=(\w+).*? header\.a=(\S+)", done.stdout)
    assert found == [(expected, "rsa-sha256"), (expected, "ed25519-sha256")], done.stdout + done.stderr
