"""The page of all commands, from the Typer applications behind `mailctl.cli.COMMANDS`."""

import re
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import typer

from mailctl.cli import COMMANDS, app, load_command
from scripts.reference_text import NOTE, cell, code, table

_SEPARATORS = re.compile(r"\s{2,}[|·]\s{2,}|\n+")


def commands() -> str:
    """Every command with its arguments, options and examples."""
    root = typer.main.get_command(app)
    text = NOTE + "# Commands\n\n"
    text += "What stands before the verb holds for all of them: `mailctl [OPTIONS] VERB …`\n"
    text += _options(root.params) + "\n"
    text += (
        "Facts go to stdout, progress and errors to stderr. Colour is used only on a terminal, and not where"
        " `NO_COLOR` is set. The exit codes are [a page of their own](exit-codes.md).\n"
    )
    for panel in dict.fromkeys(verb.panel for verb in COMMANDS):
        text += f"\n## {panel}\n"
        for verb in COMMANDS:
            if verb.panel == panel:
                text += _command(f"mailctl {verb.name}", load_command(verb.name), 3)
    return text


def tree() -> dict[str, Any]:
    """Every command that does something, by the words that call it: "mailctl dns plan"."""
    found = {}
    for verb in COMMANDS:
        command = load_command(verb.name)
        inner = getattr(command, "commands", None)
        if inner is None:
            found[f"mailctl {verb.name}"] = command
        else:
            found |= {f"mailctl {verb.name} {name}": leaf for name, leaf in inner.items()}
    return found


def root_options() -> set[str]:
    """The options that stand before the verb."""
    return {name for param in typer.main.get_command(app).params for name in param.opts}


def examples(command: Any) -> list[str]:
    """The commands of an epilog, which stand there between bars or dots."""
    epilog = re.sub(r"^Examples?:\s*", "", (command.epilog or "").strip())
    return [part.strip() for part in _SEPARATORS.split(epilog) if part.strip()]


def _command(name: str, command: Any, level: int) -> str:
    text = f"\n{'#' * level} {name}\n\n{_paragraphs(command.help)}\n"
    inner = getattr(command, "commands", {})
    if not inner:
        text += f"\n```text\n{_usage(name, command.params)}\n```\n"
        text += _arguments(command.params) + _options(command.params)
    if examples(command):
        text += "\n```console\n" + "".join(map(_example, examples(command))) + "```\n"
    return text + "".join(_command(f"{name} {key}", leaf, level + 1) for key, leaf in inner.items())


def _paragraphs(help_text: str | None) -> str:
    paragraphs = re.split(r"\n\s*\n", (help_text or "").strip())
    return "\n\n".join(" ".join(part.split()) for part in paragraphs)


def _example(text: str) -> str:
    """`mailctl x --check (exit 2: …)` becomes a command with a comment."""
    found = re.fullmatch(r"(.*?\S)\s+\(([^()]*)\)", text)
    return f"$ {found[1]}  # {found[2]}\n" if found else f"$ {text}\n"


def _is_option(param: Any) -> bool:
    return bool(param.opts[0].startswith("-"))


def _usage(name: str, params: Sequence[Any]) -> str:
    words = [name, "[OPTIONS]"] if any(map(_is_option, params)) else [name]
    for param in params:
        if not _is_option(param):
            many = "…" if get_origin(_annotation(param)) is list else ""
            word = f"{_metavar(param)}{many}"
            words.append(word if param.required else f"[{word}]")
    return " ".join(words)


def _metavar(param: Any) -> str:
    return str(param.metavar or param.name.rstrip("_").upper())


def _arguments(params: Sequence[Any]) -> str:
    rows = [[code(_metavar(param)), cell(param.help or "")] for param in params if not _is_option(param)]
    return "\n" + table(["argument", "meaning"], rows) if rows else ""


def _options(params: Sequence[Any]) -> str:
    rows = []
    for param in params:
        if _is_option(param) and not param.hidden:
            names = ", ".join(code(name) for name in (*param.opts, *param.secondary_opts))
            rows.append([names, cell(_kind(param)), cell(_described(param))])
    return "\n" + table(["option", "value", "meaning"], rows) if rows else ""


def _described(param: Any) -> str:
    text = str(param.help or "")
    if param.envvar:
        text += f" Also by `{param.envvar}`."
    default = param.default
    if default is not None and default != () and not isinstance(default, bool) and not param.count:
        text += f" Default: `{default}`."
    if isinstance(default, bool) and param.secondary_opts:
        text += f" Default: `{(param.opts if default else param.secondary_opts)[-1]}`."
    return text


def _annotation(param: Any) -> Any:
    """The type behind `X | None` and `Annotated[X, …]`."""
    descriptor = getattr(param, "type_descriptor", None)  # None: typer's own, --install-completion
    annotation = descriptor.annotation if descriptor is not None else bool
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(a for a in get_args(annotation) if a is not type(None))
    return annotation


def _kind(param: Any) -> str:
    annotation = _annotation(param)
    if param.is_bool_flag or param.count:
        return "repeatable" if param.count else ""
    many = get_origin(annotation) is list
    inner = get_args(annotation)[0] if many else annotation
    if isinstance(inner, type) and issubclass(inner, Enum):
        word = ", ".join(code(str(member.value)) for member in inner)
    else:
        word = {int: "number", Path: "path"}.get(inner, "text")
    return f"{word}, repeatable" if many else word
