"""Reads and renders what provisioning/ holds: tables in TOML, files in Jinja2.

Promise: a variable that is not there is an error and not an empty word; a variable that holds a control
character is refused before anything is rendered, so no value can begin a line of its own in a configuration.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2

from mailctl.errors import BadInput

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@cache
def _environment() -> jinja2.Environment:
    # No autoescape: these are configuration files; `_refuse_controls` keeps values in their line.
    environment = jinja2.Environment(  # noqa: S701
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["re"] = re.escape
    return environment


@cache
def _template(text: str) -> jinja2.Template:
    return _environment().from_string(text)


@cache
def source(name: str) -> str:
    """The text of a file below provisioning/, by its relative path."""
    return files("mailctl.provisioning").joinpath(*name.split("/")).read_text(encoding="utf-8")


@cache
def tables(name: str) -> Mapping[str, Mapping[str, Any]]:
    """The tables of a TOML file below provisioning/, in its order."""
    return tomllib.loads(source(name))


def render(name: str, variables: Mapping[str, Any]) -> bytes:
    """A file below provisioning/, rendered. Raises BadInput for a variable with control characters."""
    return render_text(source(name), variables).encode()


def render_text(template: str, variables: Mapping[str, Any]) -> str:
    """A Jinja2 text, rendered. Raises BadInput for a variable with control characters."""
    _refuse_controls(variables)
    return _template(template).render(variables)


def _refuse_controls(variables: Mapping[str, Any]) -> None:
    bad = [f"{name}: {text!r}" for name, text in _texts("", variables) if _CONTROL.search(text)]
    if bad:
        raise BadInput(
            "a value for a configuration file holds control characters",
            details=bad,
            hint="nothing was written; take them out where the value comes from: mailctl config show",
        )


def _texts(name: str, value: Any) -> Iterable[tuple[str, str]]:
    """Every text inside a value, with where it is."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(f"{name}.{key}".lstrip("."), item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _texts(name, item)
