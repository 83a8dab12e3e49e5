"""Which certificate authorities are trusted: the system's, and those of a file that the operator names.

Promise: a file that cannot be used is a `BadInput` before anything is contacted. `has_authorities` tells a machine
without any (a container without ca-certificates) from a certificate that is not trusted.
"""

import ssl
from pathlib import Path

from mailctl.errors import BadInput


def verifying_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """A context for clients that verifies chains and names. `ca_file` holds PEM certificates to trust as well."""
    context = ssl.create_default_context()
    context.hostname_checks_common_name = False  # RFC 8461 §3.3, RFC 9525 §2: subjectAltName alone counts
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=str(ca_file))
        except (OSError, ValueError) as error:
            raise BadInput(
                f"{ca_file} cannot be used as a file of certificate authorities",
                hint="It has to be readable, and to hold certificates in PEM form.",
                details=(str(error),),
            ) from error
    return context


def has_authorities(context: ssl.SSLContext) -> bool:
    """Whether there is any authority to verify with."""
    if context.cert_store_stats()["x509_ca"]:
        return True
    # OpenSSL reads a folder of authorities only when it needs one, so that it is not counted yet.
    folder = Path(ssl.get_default_verify_paths().capath or "/nonexistent")
    return folder.is_dir() and any(folder.iterdir())
