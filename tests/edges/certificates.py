"""A certificate authority for tests: makes good and bad certificates, and contexts that servers show them with."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


class Authority:
    """`ca_file` holds its certificate, PEM. Everything is written below `folder`."""

    def __init__(self, folder: Path, name: str = "Test Authority") -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._count = 0
        self.certificate = self._sign(self._name, self._key.public_key(), [], authority=True)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        names: Sequence[str],
        *,
        authority: bool = False,
        days: tuple[float, float] = (-1, 90),
        issuer: x509.Name | None = None,
        signer: ec.EllipticCurvePrivateKey | None = None,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(signer or self._key, hashes.SHA256())

    def issue(
        self,
        *names: str,
        days: tuple[float, float] = (-1, 90),
        self_signed: bool = False,
        no_names: bool = False,
    ) -> Path:
        """A PEM file with key, certificate and the authority's; `days` from now on when it begins and ends."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _named(names[0])
        certificate = self._sign(
            subject,
            key.public_key(),
            () if no_names else names,
            days=days,
            issuer=subject if self_signed else None,
            signer=key if self_signed else None,
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = [certificate] if self_signed else [certificate, self.certificate]
        self._count += 1
        path = self._folder / f"{self._count}.pem"
        path.write_bytes(private + b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain))
        return path

    def server_context(
        self,
        *names: str,
        days: tuple[float, float] = (-1, 90),
        self_signed: bool = False,
        no_names: bool = False,
    ) -> ssl.SSLContext:
        """What a server shows a new certificate with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue(*names, days=days, self_signed=self_signed, no_names=no_names))
        return context
