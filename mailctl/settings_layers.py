"""Reading the settings: which file, what the environment adds, and where each value came from.

Promise: one file is read, the first of --config, $MAILCTL_CONFIG, ./mailctl.toml,
$XDG_CONFIG_HOME/mailctl/mailctl.toml and /etc/mailctl/mailctl.toml (a file that was named must exist);
`MAILCTL_SECTION__KEY` wins over it, and an empty variable counts as unset. Relative paths in the file start
at the file's folder. Every problem is reported at once, and no message holds a secret.
"""

import difflib
import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from mailctl.errors import BadInput, HostCannot
from mailctl.settings import MASK, Settings

NOT_SETTINGS = frozenset({"MAILCTL_CONFIG", "MAILCTL_SHARED", "MAILCTL_FAILPOINT"})
OPTIONS = "dns.options."  # the one table whose keys are not ours: those of lexicon's provider
SECRETS = ("dns.tsig_secret", OPTIONS)
_MEND = "mend that line; mailctl config check tells of everything else"
# postgresql://user:PASSWORD@host/name and …?password=PASSWORD, both also in a URL that is not quite right
_PASSWORD = re.compile(r"(?<=/)(?P<user>[^/@:]*:).*(?=@)|(?P<query>[?&]password=)[^&]*")


class Origin(NamedTuple):
    """Where a value came from: `kind` is default, file or env; `where` the file's path or the variable."""

    kind: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.where}".strip()


DEFAULT = Origin("default")


class Row(NamedTuple):
    """One setting as `config show` prints it; `value` is plain data, secrets are masked."""

    key: str
    value: Any
    origin: Origin


@dataclass(frozen=True)
class Loaded:
    """The settings in force, the file they came from (None: no file), and each key's origin."""

    settings: Settings
    path: Path | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def rows(self) -> tuple[Row, ...]:
        """Every setting, in the order of the file that `config init` writes."""
        return tuple(
            Row(key, masked(key, value), self.origins.get(key, DEFAULT))
            for key, value in _values(self.settings)
        )


def read(config_path: Path | None = None) -> Loaded:
    """Find, read and check the settings. Raises BadInput with every reason, HostCannot for bad rights."""
    path = find_file(config_path)
    seen: dict[str, tuple[Any, Origin]] = {}
    if path is not None:
        table = _parse(path)
        seen = {key: (value, Origin("file", str(path))) for key, value in _flatten(table)}
        _refuse_readable_secrets(path, seen)
    seen |= _from_environment(os.environ)
    return Loaded(_build(seen), path, {key: origin for key, (_, origin) in seen.items()})


def from_environment_alone() -> Loaded:
    """The settings as the environment has them, without a file. Raises BadInput with every reason."""
    seen = _from_environment(os.environ)
    return Loaded(_build(seen), None, {key: origin for key, (_, origin) in seen.items()})


def raw_values(settings: Settings) -> dict[str, Any]:
    """Every setting as plain data that a file can hold, secrets in the clear: for writing, never for show."""
    return {key: _raw(value) for key, value in _values(settings)}


def _raw(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return [_raw(item) for item in value]
    return value if value is None or isinstance(value, bool | int | dict) else str(value)


def known_keys() -> dict[str, FieldInfo]:
    """Every key by its dotted name, in order; "dns.options" stands for its whole table."""
    found: dict[str, FieldInfo] = {}
    for name, info in Settings.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found |= {f"{name}.{key}": inner for key, inner in info.annotation.model_fields.items()}
        else:
            found[name] = info
    return found


def find_file(config_path: Path | None) -> Path | None:
    """The settings file to read, or None. Raises BadInput when the one that was named is not there."""
    named = config_path or (Path(os.environ["MAILCTL_CONFIG"]) if os.environ.get("MAILCTL_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise BadInput(
                f"there is no settings file {named}",
                hint="name one that exists, or write one: mailctl config init PATH",
            )
        return named.absolute()
    user = Path(os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser())
    places = (
        Path("mailctl.toml"),
        user / "mailctl" / "mailctl.toml",
        Path("/etc/mailctl/mailctl.toml"),
    )
    path = next((place.absolute() for place in places if place.is_file()), None)
    if path is not None:
        _refuse_foreign(path)
    return path


def masked(key: str, value: Any) -> Any:
    """`value` as plain data that may be shown."""
    if value is None or value == {}:
        return value
    if isinstance(value, SecretStr) or is_secret(key):
        return MASK
    if isinstance(value, tuple | list):
        return [masked(key, item) for item in value]
    if isinstance(value, bool | int | float):
        return value
    return masked_url(str(value)) if key == "store.url" else str(value)


def masked_url(url: str) -> str:
    """A database URL without its password."""
    return _PASSWORD.sub(lambda found: f"{found['user'] or found['query']}{MASK}", url)


def is_secret(key: str, value: Any = None) -> bool:
    """Whether the value of `key` must not be shown; a database URL is secret when it has a password."""
    if key == "store.url":
        return isinstance(value, str) and bool(_PASSWORD.search(value))
    return key == SECRETS[0] or key.startswith(OPTIONS)


def _refuse_foreign(path: Path) -> None:
    """A file that was only found, not named, must not be somebody else's: root may stand in /tmp."""
    seen = path.stat()
    if seen.st_uid not in (os.geteuid(), 0) or seen.st_mode & stat.S_IWOTH:
        raise HostCannot(
            f"the settings file {path} is not trusted: others could have written it",
            details=[f"owned by user id {seen.st_uid}, mode {stat.S_IMODE(seen.st_mode):04o}"],
            hint=f"chown {os.geteuid()} {path} && chmod o-w {path}; or name it: mailctl --config {path}",
        )


def _refuse_readable_secrets(path: Path, seen: Mapping[str, tuple[Any, Origin]]) -> None:
    held = [key for key, (value, _) in seen.items() if is_secret(key, value)]
    mode = stat.S_IMODE(path.stat().st_mode)
    if held and mode & 0o007:
        raise HostCannot(
            f"the settings file {path} holds secrets, and everybody on this host can read it",
            details=[f"{', '.join(held)} in a file of mode {mode:04o}"],
            hint=f"chmod 600 {path}",
        )


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"the settings file {path} is not TOML: {error}", hint=_MEND) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadInput(f"the settings file {path} is not UTF-8: line {line}", hint=_MEND) from error
    except OSError as error:
        raise HostCannot(
            f"the settings file {path} cannot be read: {error.strerror}",
            hint=f"check its rights: ls -ld {path}",
        ) from error


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[Any, Origin]]:
    return {
        name.removeprefix("MAILCTL_").lower().replace("__", "."): (value, Origin("env", name))
        for name, value in sorted(environment.items())
        if name.startswith("MAILCTL_") and name not in NOT_SETTINGS and value
    }


def _is_known(key: str, known: Mapping[str, FieldInfo]) -> bool:
    return key in known or (key.startswith(OPTIONS) and "." not in key.removeprefix(OPTIONS))


def _nearest(key: str, known: Mapping[str, FieldInfo]) -> str:
    """The known key that looks most like `key`; a key without its section counts as that key."""
    alone = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
    return difflib.get_close_matches(key, alone or list(known), n=1, cutoff=0.0)[0]


def _build(seen: Mapping[str, tuple[Any, Origin]]) -> Settings:
    known = known_keys()
    problems, tree = [], dict[str, Any]()
    for key, (value, origin) in seen.items():
        if _is_known(key, known):
            *sections, last = key.split(".")
            inner = tree
            for name in sections:
                inner = inner.setdefault(name, {})
            inner[last] = _from_its_folder(known.get(key), value, origin)
        elif any(name.startswith(f"{key}.") for name in known):
            problems.append(f"{key} is a section and takes no value ({origin})")
        else:
            problems.append(f"{key} is not a setting; the nearest is {_nearest(key, known)} ({origin})")
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        problems += [_explain(problem, seen) for problem in error.errors(include_url=False)]
    if problems:
        count = "a setting" if len(problems) == 1 else f"{len(problems)} settings"
        raise BadInput(
            f"{count} cannot be used",
            details=problems,
            hint="`mailctl config init` writes a file with every setting and what it means",
        )
    return settings


def _from_its_folder(info: FieldInfo | None, value: Any, origin: Origin) -> Any:
    """A path as the settings mean it: ~ is the home folder, a relative one starts at the file's folder."""
    if info is None or not isinstance(value, str):
        return value
    if Path not in (info.annotation, *get_args(info.annotation)):
        return value
    path = Path(value).expanduser()
    return Path(origin.where).parent / path if origin.kind == "file" else path


def _explain(problem: Any, seen: Mapping[str, tuple[Any, Origin]]) -> str:
    """One line for one thing that pydantic found: key, what is wrong, what was seen, where."""
    parts = [str(part) for part in problem["loc"]]
    key = next((k for n in range(len(parts), 0, -1) if (k := ".".join(parts[:n])) in seen), "")
    what = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    if not key:  # about a section as a whole
        return f"{'.'.join(parts)}: {what}"
    value, origin = seen[key]
    shown = MASK if is_secret(key) else repr(masked(key, value))[:80]
    return f"{key}: {what}; seen: {shown} ({origin})"


def _values(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _values(value, f"{name}.")
        elif isinstance(value, Mapping) and value:
            yield from ((f"{prefix}{name}.{key}", inner) for key, inner in value.items())
        else:
            yield f"{prefix}{name}", value
