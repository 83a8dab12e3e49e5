"""The pages of what can be set and how commands end, from `mailctl.settings` and `mailctl.errors`."""

from collections.abc import Mapping
from typing import Any

from mailctl import errors
from mailctl.settings import Settings
from mailctl.settings_layers import known_keys
from scripts.reference_text import NOTE, cell, code, table


def settings() -> str:
    """Every key of the settings file, its variable, its default and its meaning."""
    text = NOTE + "# Settings\n\n" + _SETTINGS_INTRO
    section = None
    rows: list[list[str]] = []
    schema = Settings.model_json_schema()
    for key, info in known_keys().items():
        table_name, _, _ = key.rpartition(".")
        if table_name != section:
            text += table(_SETTINGS_HEAD, rows) if rows else ""
            text += f"\n## {f'[{table_name}]' if table_name else 'At the top of the file'}\n\n"
            section, rows = table_name, []
        meaning = cell(str(info.description))
        rows.append([code(key), code(_variable(key)), cell(_accepts(schema, key)), _default(key), meaning])
    return text + table(_SETTINGS_HEAD, rows)


_SETTINGS_HEAD = ("key", "variable", "value", "default", "meaning")
_SETTINGS_INTRO = """\
They come from one TOML file and from the environment. The file is the first that is there of: the one named by
`--config` or `MAILCTL_CONFIG`, `./mailctl.toml`, `$XDG_CONFIG_HOME/mailctl/mailctl.toml` (else `~/.config/…`), and
`/etc/mailctl/mailctl.toml`. A variable wins over the file; an empty one counts as unset. A list in a variable is
separated by commas or blanks. Relative paths in the file start at its folder.

A key that is not known is an error that names the nearest known one; all errors are reported at once. A file that
holds a secret must not be readable by everybody. `mailctl config show` prints what is in force and where each value
came from, `mailctl config check` says whether it can be used, `mailctl config init` writes a file with all of this.
"""


def _variable(key: str) -> str:
    name = f"MAILCTL_{key.upper().replace('.', '__')}"
    return f"{name}__NAME" if key == "dns.options" else name


def _default(key: str) -> str:
    """The default; those that depend on the user are put into words."""
    words = {
        "state_dir": "`/var/lib/mailctl` for root, else `~/.local/share/mailctl`",
        "store.url": "`sqlite:///STATE_DIR/mailctl.db`",
    }
    if key in words:
        return words[key]
    value = known_keys()[key].get_default(call_default_factory=True)
    if value is None or value == () or value == {}:
        return "not set"
    return code(str(value).lower() if isinstance(value, bool) else str(value))


def _accepts(schema: Mapping[str, Any], key: str) -> str:
    """What may stand there, out of the JSON schema."""
    found: Any = schema
    for name in key.split("."):
        found = found["properties"][name]
        if reference := found.get("$ref"):
            found = schema["$defs"][reference.rpartition("/")[2]]
    options = found.get("anyOf", [found])
    found = next(option for option in options if option.get("type") != "null")
    if "enum" in found:
        return ", ".join(code(value) for value in found["enum"])
    if found["type"] == "integer":
        return f"number, {found['ge']} to {found['le']}"
    if found["type"] == "array":
        return f"list of {_FORMATS.get(found['items'].get('format'), 'texts')}"
    if found["type"] == "object":
        return "table of texts (secret)"
    return {"boolean": "`true`, `false`"}.get(found["type"], _FORMATS.get(found.get("format"), "text"))


_FORMATS = {"ipv4": "IPv4 addresses", "ipv6": "IPv6 addresses", "path": "path", "password": "text (secret)"}


def exit_codes() -> str:
    """The table of mailctl/errors.py, and the errors behind each code."""
    docstring = errors.__doc__ or ""
    start = docstring.index("| code")
    text = NOTE + "# Exit codes\n\n" + docstring[start:].strip() + "\n\n"
    text += "An error is one message on stderr: what was seen, every reason, and what to do. A traceback is a bug.\n"
    text += "Each kind of error in the code ends in one of them:\n\n"
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.MailctlError)]
    rows = []
    for kind in kinds[1:]:
        number = "3 or 4" if kind is errors.PublishError else str(kind.exit_code)
        rows.append([code(kind.__name__), number, cell(" ".join((kind.__doc__ or "").split()))])
    text += table(["error", "code", "when"], rows)
    return text + _CODES_BY_COMMAND


_CODES_BY_COMMAND = """
`PublishError` ends in 3 where the same again, later, may work, and in 4 where it will not.

For scripts:

| command | 0 | 1 | 2 | 3 |
| --- | --- | --- | --- | --- |
| `mailctl verify` | clean | findings at or above `--fail-on` (error) | bad usage | something unknown, nothing worse |
| `mailctl setup --check` | nothing to change | | there are changes | the zone could not be read |
| `mailctl dns plan --check`, `mailctl host plan --check` | nothing to change | | there are changes | the zone could not be read |
| `mailctl rehearse` | SPF, DKIM and DMARC pass | one does not | bad usage | the zone could not be found |
| `mailctl setup` | done, and the proof holds | done, and the proof does not hold | bad usage | not seen everywhere in time: run it again |
| `mailctl dns wait` | every server has every record | | bad usage | not in time |
| `mailctl db status --check` | up to date | | not up to date | |

A plan that holds something dangerous or a conflict is refused, and so ends in 4, where `setup --check` is asked without
`--force`; `dns plan --check` does so for conflicts only.
"""  # noqa: E501 - a table has long lines
