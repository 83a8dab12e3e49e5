"""Private keys: the promises of both twins, then the rights that only files have."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from mailctl.edges.key_files import KeyFiles, KeyStore, MemoryKeyFiles
from mailctl.errors import HostCannot, Refused

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
OTHER = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32)).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)
LOCKED = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))


@pytest.fixture(params=["files", "memory"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> KeyStore:
    return KeyFiles(tmp_path / "state" / "keys") if request.param == "files" else MemoryKeyFiles()


def test_what_is_written_is_read(keys: KeyStore) -> None:
    path = keys.write("example.org", "s2026", PEM)
    assert path.parts[-2:] == ("example.org", "s2026.pem")
    keys.write("example.org", "s2027", OTHER)
    assert (keys.read("example.org", "s2026"), keys.read("example.org", "s2027")) == (PEM, OTHER)


def test_a_key_is_never_overwritten(keys: KeyStore) -> None:
    keys.write("example.org", "s1", PEM)
    with pytest.raises(Refused, match="there is a DKIM key already"):
        keys.write("example.org", "s1", OTHER)
    assert keys.read("example.org", "s1") == PEM


def test_removing(keys: KeyStore) -> None:
    keys.write("example.org", "s1", PEM)
    keys.remove("example.org", "s1")
    keys.remove("example.org", "s1")  # a rerun
    with pytest.raises(HostCannot, match="is missing"):
        keys.read("example.org", "s1")
    keys.write("example.org", "s1", OTHER)
    assert keys.read("example.org", "s1") == OTHER


@pytest.mark.parametrize("data", [b"", b"no key", LOCKED, PEM[:40]])
def test_only_keys_are_kept(keys: KeyStore, data: bytes) -> None:
    with pytest.raises(HostCannot, match="not a private key"):
        keys.write("example.org", "s1", data)
    with pytest.raises(HostCannot, match="is missing"):
        keys.read("example.org", "s1")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/etc", "a\0b", "a\nb", "A.example", "a..b", ".a"]
)
def test_names_are_no_paths(keys: KeyStore, name: str) -> None:
    for call in (keys.read, keys.remove, lambda domain, selector: keys.write(domain, selector, PEM)):
        with pytest.raises(ValueError, match="not a domain or selector"):
            call(name, "s1")
        with pytest.raises(ValueError, match="not a domain or selector"):
            call("example.org", name)


# What only files have.


@pytest.fixture
def files(tmp_path: Path) -> KeyFiles:
    return KeyFiles(tmp_path / "keys")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_and_folders_are_private_whatever_the_umask(files: KeyFiles) -> None:
    old = os.umask(0)
    try:
        path = files.write("example.org", "s1", PEM)
    finally:
        os.umask(old)
    assert (mode(path), mode(path.parent), mode(path.parent.parent)) == (0o600, 0o700, 0o700)
    assert [entry.name for entry in path.parent.iterdir()] == ["s1.pem"]  # no draft is left


@pytest.mark.parametrize("wrong", [0o640, 0o604, 0o644, 0o666, 0o700])
def test_a_key_that_others_can_read_is_refused(files: KeyFiles, wrong: int) -> None:
    path = files.write("example.org", "s1", PEM)
    path.chmod(wrong)
    with pytest.raises(HostCannot, match="is not private") as caught:
        files.read("example.org", "s1")
    assert caught.value.hint == f"chmod 600 {path}"
    path.chmod(0o400)
    assert files.read("example.org", "s1") == PEM


def test_a_folder_that_others_can_change_is_refused(files: KeyFiles) -> None:
    path = files.write("example.org", "s1", PEM)
    for folder in (path.parent, path.parent.parent):
        folder.chmod(0o777)
        with pytest.raises(HostCannot, match="others could change") as caught:
            files.read("example.org", "s1")
        assert caught.value.hint == f"chmod 700 {folder}"
        folder.chmod(0o700)
    assert files.read("example.org", "s1") == PEM


def as_link(path: Path, tmp_path: Path) -> None:
    path.rename(tmp_path / "elsewhere.pem")
    path.symlink_to(tmp_path / "elsewhere.pem")


def as_folder(path: Path, tmp_path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_fifo(path: Path, tmp_path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def as_text(path: Path, tmp_path: Path) -> None:
    path.write_text("no key")


def as_much(path: Path, tmp_path: Path) -> None:
    path.write_bytes(PEM + b"\n" * 100_000)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (as_link, "symbolic link"),
        (as_folder, "not a plain file"),
        (as_fifo, "not a plain file"),
        (as_text, "not a private key"),
        (as_much, "longer than 65536 bytes"),
    ],
)
def test_what_is_no_key_file_is_refused(
    files: KeyFiles, tmp_path: Path, change: Callable[[Path, Path], None], why: str
) -> None:
    change(files.write("example.org", "s1", PEM), tmp_path)
    with pytest.raises(HostCannot, match=why):
        files.read("example.org", "s1")


def test_a_link_in_the_way_is_not_followed(files: KeyFiles, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    path = files.path("example.org", "s1")
    path.parent.mkdir(parents=True)
    path.symlink_to(victim)
    with pytest.raises(Refused):
        files.write("example.org", "s1", PEM)
    assert not victim.exists()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostCannot, match="cannot be written"):
        KeyFiles(tmp_path / "file" / "keys").write("example.org", "s1", PEM)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_of_somebody_else_is_refused(files: KeyFiles) -> None:
    path = files.write("example.org", "s1", PEM)
    os.chown(path, 12345, 12345)
    with pytest.raises(HostCannot, match="is not private") as caught:
        files.read("example.org", "s1")
    assert caught.value.hint == f"chown 0 {path}"
    path.chmod(0o644)
    with pytest.raises(HostCannot) as caught:
        files.read("example.org", "s1")
    assert len(caught.value.details) == 2  # every reason at once
    assert caught.value.hint == f"chown 0 {path} && chmod 600 {path}"
