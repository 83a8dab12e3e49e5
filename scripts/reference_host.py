"""The page of what is set on a host, from provisioning/."""

import re
from collections.abc import Mapping
from typing import Any

from mailctl.domains import provisioning
from mailctl.domains.host_desired import (
    Certificate,
    DesiredHost,
    HostedDomain,
    HostInputs,
    SigningKey,
    desired_host,
)
from mailctl.domains.host_services import Layout
from scripts.reference_dns import HOME
from scripts.reference_text import NOTE, cell, code, table

_POLICIES = {
    "set": "set",
    "keep": "set if `main.cf` has no value",
    "join": "added to the list in `main.cf`",
}


def host_parameters() -> str:
    """What mailctl sets on a host, and why."""
    desired = _example_host()
    text = NOTE + "# What is set on the host\n\n" + _HOST_INTRO
    values = {parameter.name: parameter.value for parameter in desired.parameters}
    rows: list[list[str]] = []
    for title, names in _sections(provisioning.source("postfix/main.toml")):
        tables = provisioning.tables("postfix/main.toml")
        head, _, rest = re.sub(r"([:;.]) ", r"\1\n", title, count=1).partition("\n")
        text += f"\n### {head.rstrip(':;.')}\n\n" + (f"{rest[0].upper()}{rest[1:]}.\n\n" if rest else "")
        rows = [_parameter(name, tables[name], values.get(name)) for name in names]
        text += table(["parameter", "value", "how", "why"], rows)
    text += "\n## Services in master.cf\n\n"
    text += table(["service", "why"], [[code(s.key), cell(s.why)] for s in desired.services])
    text += "\n```text\n" + "\n".join(s.line.replace(" -o ", "\n  -o ") for s in desired.services) + "\n```\n"
    text += "\n## Files\n\n"
    text += "Each with the owner and mode that it gets. Files that are marked secret are never shown in a plan.\n\n"
    rows = [
        [code(f"{f.path}{'/' if f.kind == 'directory' else ''}"), f"{f.owner}:{f.group}", f"{f.mode:04o}",
         "secret" if f.secret and f.kind == "file" else ""]
        for f in desired.files
    ]  # fmt: skip
    text += table(["path", "owner", "mode", ""], rows)
    text += "\n## OpenDKIM\n\n"
    rows = [[code(d.name), code(d.signature), code(f"127.0.0.1:{d.port}")] for d in desired.daemons]
    return text + table(["service", "signs with", "listens at"], rows)


_HOST_INTRO = """\
`mailctl setup` and `mailctl host apply` edit Postfix by `postconf`, and only what is listed here; everything else in
`main.cf` and `master.cf` stays. The values are those for the host `mail.shop.example` on Debian 12 (Postfix 3.7), with
one domain and a postmaster; a parameter that a Postfix does not know is left out, and `mailctl host plan --json` names
it. Sources: `provisioning/postfix/main.toml`, `provisioning/postfix/master.toml`, `provisioning/opendkim/`.

How a value gets in: *set* replaces another one; *set if main.cf has no value* keeps a choice that somebody made; *added
to the list* keeps the items that are there. Where a value of somebody else's would be lost, the change counts as
dangerous and needs `--force`; values that the Debian package writes count as nobody's choice.

## Parameters in main.cf
"""


def _example_host() -> DesiredHost:
    tables = provisioning.tables("postfix/main.toml")
    keys = tuple(SigningKey(k.selector, k.algorithm, b"", "active") for k in HOME.keys)
    folder = Layout().postfix / "mailctl"
    return desired_host(
        HostInputs(
            hostname=HOME.hostname,
            domains=(HostedDomain(HOME.name, keys),),
            certificate=Certificate(folder / "tls.pem", folder / "tls.key", b"", b""),
            layout=Layout(),
            postfix_version="3.7.11",
            postfix_parameters=frozenset({*tables, "smtpd_forbid_bare_newline_reject_code"}),
            postmaster="you@office.example",
            systemd=True,
        )
    )


def _sections(source: str) -> list[tuple[str, list[str]]]:
    """The parameters under the comments that head them: a comment with a blank line on either side."""
    found: list[tuple[str, list[str]]] = [("Whose defaults", [])]
    lines = ["", *source.splitlines(), ""]
    body = next(number for number, line in enumerate(lines) if line.startswith("["))
    for number in range(body, len(lines) - 1):
        line = lines[number]
        if line.startswith("# ") and not lines[number - 1] and not lines[number + 1]:
            found.append((line[2:].rstrip("."), []))
        elif line.startswith("["):
            found[-1][1].append(line.strip("[]"))
    return found


def _parameter(name: str, entry: Mapping[str, Any], value: str | None) -> list[str]:
    how = _POLICIES[entry.get("policy", "set")]
    if value is None:
        when = _WHEN.get(entry["when"], f"where `{entry['when'].strip('{} ')}`")
        value, how = entry["value"], f"{how}, {when}"
    if "danger" in entry:
        how += "; dangerous where it replaces a choice"
    return [code(name), code(value), how, cell(entry["why"])]


_WHEN = {"{{ certificate_given }}": "with `tls.certificate` in the settings"}
