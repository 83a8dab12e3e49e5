"""The certificate that a host shows until it has a real one.

Promise: opportunistic TLS does not check names (RFC 7435 §3), so a self-signed certificate protects as well
as any other against who only listens; it is replaced when it no longer fits the host's name or nears its end.
"""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFE = timedelta(days=3650)
_RENEW = timedelta(days=30)
_SLACK = timedelta(days=1)  # for a receiver whose clock is behind


def self_signed(hostname: str, now: datetime) -> tuple[bytes, bytes]:
    """A certificate and its private key, both PEM: P-256, ten years. `now` is aware."""
    key = ec.generate_private_key(ec.SECP256R1())
    # A common name holds 64 characters (RFC 5280, upper bounds); the name that counts is the alternative one.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def fits(chain: bytes, key: bytes, hostname: str, now: datetime) -> bool:
    """Whether a certificate is for this name, has a month left, and belongs to the key. Never raises."""
    try:
        certificate = x509.load_pem_x509_certificate(chain)
        private = serialization.load_pem_private_key(key, None)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return False
    return (
        hostname in names.get_values_for_type(x509.DNSName)
        and certificate.not_valid_after_utc > now + _RENEW
        and isinstance(private, ec.EllipticCurvePrivateKey)
        and certificate.public_key() == private.public_key()
    )
