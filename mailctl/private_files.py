"""Reading files that hold a secret: a private key, a TSIG secret.

Promise: the rights are checked on the open file itself, so nothing can be swapped between the check and the
read; a file that somebody else could read or could have written is refused with the command that mends it.
"""

import os
import stat
from pathlib import Path

from mailctl.errors import HostCannot

_OTHER = "move it away, and put the right file there: {}"
LIMIT = 64 * 1024  # bytes: an RSA-4096 key has 3.3 kB, so that anything longer is not one of ours


def read_private(path: Path, what: str) -> bytes:
    """The bytes of `path`, which must be a plain file of 0600 or less, owned by this user or by root.

    `what` names it in messages ("the DKIM key"). Raises HostCannot for anything else.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise HostCannot(
            f"{what} is missing: {path}", hint=f"bring it back, from a backup: {path}"
        ) from error
    except OSError as error:
        if path.is_symlink():
            hint = "put the file itself there in place of the link"
            raise HostCannot(f"{what} is a symbolic link: {path}", hint=hint) from error
        raise HostCannot(
            f"{what} cannot be read: {path}: {error.strerror}", hint=f"check its rights: ls -ld {path}"
        ) from error
    try:
        _check(path, os.fstat(handle), what)
        data = os.read(handle, LIMIT + 1)
    finally:
        os.close(handle)
    if len(data) > LIMIT:
        raise HostCannot(
            f"{what} is longer than {LIMIT} bytes, so it is something else: {path}", hint=_OTHER.format(path)
        )
    return data


def _check(path: Path, seen: os.stat_result, what: str) -> None:
    if not stat.S_ISREG(seen.st_mode):
        raise HostCannot(f"{what} is not a plain file: {path}", hint=_OTHER.format(path))
    owners = {os.geteuid(), 0}
    reasons, mends = [], []
    if seen.st_uid not in owners:
        reasons.append(f"owned by user id {seen.st_uid}, not by this user ({os.geteuid()}) or root")
        mends.append(f"chown {os.geteuid()} {path}")
    if stat.S_IMODE(seen.st_mode) & 0o177:
        reasons.append(f"mode {stat.S_IMODE(seen.st_mode):04o}, where it must be 0600")
        mends.append(f"chmod 600 {path}")
    if reasons:
        raise HostCannot(f"{what} is not private: {path}", details=reasons, hint=" && ".join(mends))
