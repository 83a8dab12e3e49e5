"""The private keys of DKIM, one file each: DIRECTORY/DOMAIN/SELECTOR.pem.

Promise: a key is written once, 0600, in folders of 0700, and is on the disk before `write` returns; it is
never overwritten. A key that others could read, or could have put there, is refused when it is used, with the
command that mends it. `MemoryKeyFiles` is the twin for tests.
"""

import os
import re
import stat
from pathlib import Path
from typing import Protocol

from mailctl.errors import HostCannot, Refused
from mailctl.private_files import read_private
from mailctl.standards import dkim

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


class KeyStore(Protocol):
    """Where private keys are kept. Domains and selectors are lower-case A-labels."""

    def write(self, domain: str, selector: str, pem: bytes) -> Path:
        """Keep a new key; where it is. Raises Refused if there is one already."""
        ...

    def read(self, domain: str, selector: str) -> bytes:
        """The key, PKCS #8 PEM. Raises HostCannot if it is missing, not private, or no key."""
        ...

    def remove(self, domain: str, selector: str) -> None:
        """Forget a key; one that is not there is no error, so that a rerun can go on."""
        ...


class KeyFiles:
    """Keys as files under `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, domain: str, selector: str) -> Path:
        """Where the key is, whether or not it is there. Raises ValueError for names that are no names."""
        return self._directory / f"{_name(domain)}" / f"{_name(selector)}.pem"

    def write(self, domain: str, selector: str, pem: bytes) -> Path:
        path = self.path(domain, selector)
        _must_be_key(pem, path)
        try:
            _make_private_folder(path.parent)
            _write_new(path, pem)
        except OSError as error:
            if isinstance(error, FileExistsError) and os.path.lexists(path):
                raise _there_already(path) from error
            raise HostCannot(
                f"the DKIM key {path} cannot be written: {error.strerror}",
                hint=f"check the rights and the room: ls -ld {path.parent}; df -h {self._directory}",
            ) from error
        return path

    def read(self, domain: str, selector: str) -> bytes:
        path = self.path(domain, selector)
        for folder in (self._directory, path.parent):
            _must_be_ours(folder)
        pem = read_private(path, "the DKIM key")
        _must_be_key(pem, path)
        return pem

    def remove(self, domain: str, selector: str) -> None:
        path = self.path(domain, selector)
        try:
            path.unlink(missing_ok=True)
            if path.parent.is_dir() and not any(path.parent.iterdir()):
                path.parent.rmdir()
        except OSError as error:
            raise HostCannot(
                f"the DKIM key {path} cannot be removed: {error.strerror}",
                hint=f"check the rights: ls -ld {path.parent}",
            ) from error


class MemoryKeyFiles:
    """The same promises, in memory; `held` are all the keys, by path."""

    def __init__(self) -> None:
        self._keys: dict[Path, bytes] = {}

    @property
    def held(self) -> dict[Path, bytes]:
        return dict(self._keys)

    def path(self, domain: str, selector: str) -> Path:
        return Path(_name(domain)) / f"{_name(selector)}.pem"

    def write(self, domain: str, selector: str, pem: bytes) -> Path:
        path = self.path(domain, selector)
        _must_be_key(pem, path)
        if path in self._keys:
            raise _there_already(path)
        self._keys[path] = pem
        return path

    def read(self, domain: str, selector: str) -> bytes:
        path = self.path(domain, selector)
        if path not in self._keys:
            raise HostCannot(f"the DKIM key is missing: {path}", hint=f"bring it back, from a backup: {path}")
        return self._keys[path]

    def remove(self, domain: str, selector: str) -> None:
        self._keys.pop(self.path(domain, selector), None)


def _name(text: str) -> str:
    # Names were checked long before; a path is where a mistake would cost most.
    if not _NAME.fullmatch(text) or ".." in text:
        raise ValueError(f"not a domain or selector: {text!r}")
    return text


def _there_already(path: Path) -> Refused:
    return Refused(f"there is a DKIM key already: {path}", hint="use another selector, or remove that file")


def _must_be_key(pem: bytes, path: Path) -> None:
    try:
        dkim.load_private(pem)
    except dkim.KeyProblem as error:
        raise HostCannot(
            f"this is not a private key in PEM without a passphrase: {path}",
            hint=f"bring the key back, from a backup: {path}",
        ) from error


def _must_be_ours(folder: Path) -> None:
    """Refuse a folder in which somebody else could swap the file: then its own rights prove nothing."""
    try:
        seen = folder.lstat()
    except OSError:
        return  # then the file is missing, or cannot be reached, and reading it says so
    if stat.S_ISLNK(seen.st_mode):
        raise HostCannot(
            f"the folder of the DKIM keys is a symbolic link: {folder}",
            hint="put the folder itself there in place of the link",
        )
    mends = []
    if seen.st_uid not in (os.geteuid(), 0):
        mends.append(f"chown {os.geteuid()} {folder}")
    if seen.st_mode & 0o022:
        mends.append(f"chmod 700 {folder}")
    if mends:
        raise HostCannot(
            f"others could change what is in the folder of the DKIM keys: {folder}",
            details=[f"owned by user id {seen.st_uid}, mode {stat.S_IMODE(seen.st_mode):04o}"],
            hint=" && ".join(mends),
        )


def _make_private_folder(folder: Path) -> None:
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for path in (folder.parent, folder):
        path.mkdir(mode=0o700, exist_ok=True)


def _write_new(path: Path, data: bytes) -> None:
    """Write under another name and link that into place: a kill leaves a whole key or none, and unlike a
    rename a link fails when the name is taken."""
    draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
