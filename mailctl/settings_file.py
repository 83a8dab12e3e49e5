"""Writing a first mailctl.toml: every setting with what it means, the defaults as comments.

Promise: what is written reads back as the same settings; it is written whole or not at all, replaces a file
only when told to, and is 0600 if it holds a secret.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from mailctl.errors import HostCannot, Refused
from mailctl.settings import Settings
from mailctl.settings_layers import Loaded, from_environment_alone, is_secret, known_keys, raw_values

HEAD = """\
# The settings of mailctl. Lines that begin with # are the defaults.
# A variable wins over this file: MAILCTL_DNS__PUBLISHER=rfc2136. `mailctl config show` says what is in force.
# A file with a secret in it must be 0600.
"""


def write_new(path: Path, *, keep_environment: bool = False, force: bool = False) -> int:
    """Write the file; its mode. With `keep_environment`, what MAILCTL_* sets now is written down.

    Raises Refused if the file is there and `force` was not given, BadInput if a variable cannot be used.
    """
    loaded = from_environment_alone() if keep_environment else Loaded(Settings.model_validate({}))
    values = raw_values(loaded.settings)
    secret = any(is_secret(key, values.get(key)) for key in loaded.origins)
    mode = 0o600 if secret else 0o644
    _write(path, render(values, set_here=loaded.origins), mode, force=force)
    return mode


def render(values: Mapping[str, Any], *, set_here: Mapping[str, object]) -> str:
    """The text of a settings file: the keys in `set_here` have their `values`, the rest are comments."""
    lines, section = [HEAD], ""
    for key, info in known_keys().items():
        table, _, name = key.rpartition(".")
        if table != section:
            lines.append(f"\n[{table}]")
            section = table
        lines.append(f"# {info.description}")
        if key == "dns.options":
            lines += _options(values, set_here)
        elif key in set_here:
            lines.append(f"{name} = {_toml(values[key])}")
        else:
            example = values[key]
            lines.append(f"#{name} = {'' if example is None else _toml(example)}".rstrip())
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _options(values: Mapping[str, Any], set_here: Mapping[str, object]) -> list[str]:
    held = [key for key in set_here if key.startswith("dns.options.")]
    if not held:
        return ["#options.auth_token ="]
    return [f"options.{_toml_key(key.removeprefix('dns.options.'))} = {_toml(values[key])}" for key in held]


def _toml(value: Any) -> str:
    return str(tomlkit.item(value).as_string())


def _toml_key(name: str) -> str:
    return str(tomlkit.key(name).as_string())


def _write(path: Path, text: str, mode: int, *, force: bool) -> None:
    draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fchmod(file.fileno(), mode)  # whatever the umask is
                os.fsync(file.fileno())
            if force:
                draft.replace(path)
            else:
                os.link(draft, path)  # unlike a rename, this fails when the name is taken
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.lexists(path):
            raise Refused(f"there is a file {path} already", hint="name another, or give --force") from error
        raise HostCannot(
            f"the settings file {path} cannot be written: {error.strerror}",
            hint=f"check the rights and the room: ls -ld {path.parent}; df -h {path.parent}",
        ) from error
