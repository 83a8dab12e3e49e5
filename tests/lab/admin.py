"""An administrator on mail.sender.example: the settings that he writes, the commands that he types."""

import time
from functools import partial

from mailctl.standards import dkim, dkim_sign
from tests.lab.attacks import Smtp
from tests.lab.names import PRIMARY, TSIG_ALGORITHM, TSIG_NAME
from tests.lab.net import Host, LabError, wait_until
from tests.lab.world import MAILCTL, World

DOMAIN = "shop.example"
SENDER_ADDRESS, RECIPIENT = f"news@{DOMAIN}", "bob@receiver.example"
SETTINGS = f"""\
[host]
postmaster = "admin@sender.example"

[dns]
publisher = "rfc2136"
server = "{PRIMARY}"
tsig_name = "{TSIG_NAME}"
tsig_algorithm = "{TSIG_ALGORITHM}"
tsig_secret_file = "/etc/mailctl/tsig"
ttl = 60
wait_seconds = 30
"""
# What a setup may touch on a host, apart from mailctl's own folders.
TOUCHED = ("/etc", "/var/mail")


class Admin:
    """Commands on one sender host; each fails the test unless it ends with the code that was expected."""

    def __init__(self, world: World, host: Host) -> None:
        self.world, self.host = world, host
        host.write("/etc/mailctl/mailctl.toml", SETTINGS)
        host.write("/etc/mailctl/tsig", world.names.tsig_secret + "\n", mode="0600")

    def mailctl(self, *words: str, expect: int = 0) -> str:
        """Run a command as root, as an administrator would; its output, both streams."""
        done = self.host.run([*MAILCTL, *words], check=False, timeout=120)
        text = done.stdout + done.stderr
        if done.returncode != expect:
            raise LabError(f"mailctl {' '.join(words)}: ended with {done.returncode}, not {expect}\n{text}")
        assert "Traceback" not in text
        return text

    def setup(self, *words: str, expect: int = 0) -> str:
        """`mailctl setup`, with nobody there to answer questions."""
        return self.mailctl("setup", DOMAIN, "--yes", *words, expect=expect)

    def sendmail(self, subject: str) -> None:
        """Mail as a local program sends it; Postfix and OpenDKIM do the rest."""
        text = f"From: {SENDER_ADDRESS}\nTo: {RECIPIENT}\nSubject: {subject}\n\nHello, Bob.\n"
        self.host.run(["sendmail", "-f", SENDER_ADDRESS, RECIPIENT], input=text)

    def queue_length(self) -> int:
        return len(self.host.run(["postqueue", "-j"]).stdout.splitlines())

    def wait_for_listeners(self) -> None:
        for port in (25, 10587):
            wait_until(f"nothing listens on port {port}", partial(self.host.listening, port))

    def inject_signed(self, subject: str) -> None:
        """A message signed by mailctl's own code with the host's keys, by the listener without milters."""
        fields = (
            f"From: {SENDER_ADDRESS}\r\nTo: {RECIPIENT}\r\nSubject: {subject}\r\n"
            f"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{time.time_ns()}@{DOMAIN}>\r\n"
        )
        text = dkim_sign.sign(
            f"{fields}\r\nHello, Bob.\r\n".encode(), self.signers(), time=int(time.time()), expire=None
        )
        with Smtp(lambda: self.host.connect("127.0.0.1", 10587), "localhost") as smtp:
            for line in (f"MAIL FROM:<{SENDER_ADDRESS}>", f"RCPT TO:<{RECIPIENT}>", "DATA"):
                code, reply = smtp.command(line)
                assert code in (250, 354), reply
            smtp.send(text + b".\r\n")
            assert smtp.reply()[0] == 250

    def signers(self) -> list[dkim_sign.Signer]:
        """The host's keys, as they lie in mailctl's state."""
        folder = f"/var/lib/mailctl/keys/{DOMAIN}"
        paths = self.host.run(["find", folder, "-name", "*.pem"]).stdout.split()
        signers = []
        for path in paths:
            selector = path.rpartition("/")[2].removesuffix(".pem")
            pem = self.host.read(path).encode()
            signers.append(dkim_sign.Signer(DOMAIN, selector, dkim.algorithm_of(dkim.load_private(pem)), pem))
        return signers

    def found(self) -> dict[str, str]:
        """The host's files outside mailctl's own folders, to be compared before and after."""
        snapshot = self.host.snapshot(*TOUCHED)
        return {path: facts for path, facts in snapshot.items() if not path.startswith("/etc/mailctl")}
