"""The journal of a host: for each apply, every file as it was before, and as mailctl left it.

Promise: an entry is on the disk before the first change it speaks of; what it holds is enough to put every
byte, owner and mode back; nobody but root can read it, as it holds copies of private keys.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from mailctl.edges.host import Host, Node

VERSION = 1
ANYTHING = "*"
_FOLDER = Node("root", "root", 0o700, kind="directory")


class State(StrEnum):
    """Where an apply stands. A journal in a state that ends in -ING belongs to a run that was cut off."""

    APPLYING = "applying"
    APPLIED = "applied"
    RESTORED = "restored"  # it failed, and everything was put back
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Change:
    """One path, before and after; None where there is nothing. `generated`: a program will make it."""

    path: Path
    before: Node | None
    after: Node | None
    generated: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """One path: what was there (`copy` is a file beside the manifest), and a digest of what came."""

    path: Path
    kind: Literal["file", "directory", "absent"]
    owner: str = ""
    group: str = ""
    mode: int = 0
    copy: str = ""
    after: str = ""  # "" if nothing is there afterwards, "*" for what a program made

    @property
    def created(self) -> bool:
        return self.kind == "absent" and bool(self.after)

    def changed_since(self, present: Node | None) -> bool:
        """Whether somebody else has been at the path after the apply."""
        return self.after != ANYTHING and digest(present) != self.after


@dataclass(frozen=True, slots=True)
class Journal:
    """One apply. `running` are the services that were up before it."""

    folder: Path
    state: State
    kept: tuple[Kept, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)
    running: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def unfinished(self) -> bool:
        return self.state in (State.APPLYING, State.UNDOING)


def digest(node: Node | None) -> str:
    """What a node is, owner and mode included; "" for none."""
    if node is None:
        return ""
    text = f"{node.kind} {node.owner}:{node.group} {node.mode:o} {hashlib.sha256(node.content).hexdigest()}"
    return hashlib.sha256(text.encode()).hexdigest()


def journals(host: Host, state_dir: Path) -> tuple[Journal, ...]:
    """All applies, oldest first. A folder without a manifest is one in which nothing had been changed yet."""
    root = state_dir / "journal"
    found = []
    for name in host.names(root):
        node = host.read(root / name / "manifest.json")
        if node is not None:
            found.append(_parse(root / name, json.loads(node.content)))
    return tuple(found)


def created_by(entries: Iterable[Journal]) -> tuple[Path, ...]:
    """The paths that are there because mailctl made them."""
    paths: dict[Path, None] = {}
    for entry in entries:
        for kept in entry.kept:
            if kept.created:
                paths[kept.path] = None
            elif not kept.after:
                paths.pop(kept.path, None)
    return tuple(paths)


def begin(
    host: Host,
    folder: Path,
    changes: Sequence[Change],
    *,
    parameters: Mapping[str, str],
    running: Sequence[str],
) -> Journal:
    """Keep what is there, and say so in the manifest, last. Raises OSError when the disk is full."""
    host.write(folder / "files", _FOLDER)
    kept = []
    for number, change in enumerate(changes):
        before, after = change.before, ANYTHING if change.generated else digest(change.after)
        if before is None:
            kept.append(Kept(change.path, "absent", after=after))
            continue
        copy = f"files/{number:04d}" if before.kind == "file" else ""
        if copy:
            host.write(folder / copy, Node("root", "root", 0o600, before.content))
        kind: Literal["file", "directory"] = "file" if before.kind == "file" else "directory"
        kept.append(Kept(change.path, kind, before.owner, before.group, before.mode, copy, after))
    journal = Journal(folder, State.APPLYING, tuple(kept), parameters, tuple(running))
    save(host, journal)
    return journal


def new_folder(host: Host, state_dir: Path, now: datetime) -> Path:
    """Make the folder of a new journal; its name sorts after all others."""
    root = state_dir / "journal"
    for path in (state_dir, root):
        if host.read(path) is None:
            host.write(path, _FOLDER)
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    last = max(
        (int(name.split("-")[0]) for name in host.names(root) if name.split("-")[0].isdecimal()), default=0
    )
    folder = root / f"{last + 1:06d}-{stamp}"
    host.write(folder, _FOLDER)
    return folder


def save(host: Host, journal: Journal) -> None:
    """Write the manifest, atomically."""
    manifest = {
        "version": VERSION,
        "state": journal.state.value,
        "parameters": dict(journal.parameters),
        "running": list(journal.running),
        "files": [_plain(kept) for kept in journal.kept],
    }
    content = json.dumps(manifest, indent=1).encode()
    host.write(journal.folder / "manifest.json", Node("root", "root", 0o600, content))


def before(host: Host, journal: Journal, kept: Kept) -> Node | None:
    """What stood at a path before the apply."""
    if kept.kind == "absent":
        return None
    if kept.kind == "directory":
        return Node(kept.owner, kept.group, kept.mode, kind="directory")
    copy = host.read(journal.folder / kept.copy)
    if copy is None:
        raise OSError(2, "a copy is missing from the journal", str(journal.folder / kept.copy))
    return Node(kept.owner, kept.group, kept.mode, copy.content)


def _plain(kept: Kept) -> dict[str, Any]:
    return {
        "path": str(kept.path),
        "kind": kept.kind,
        "owner": kept.owner,
        "group": kept.group,
        "mode": f"{kept.mode:04o}",
        "copy": kept.copy,
        "after": kept.after,
    }


def _parse(folder: Path, manifest: Mapping[str, Any]) -> Journal:
    kept = tuple(
        Kept(
            path=Path(item["path"]),
            kind=item["kind"],
            owner=item["owner"],
            group=item["group"],
            mode=int(item["mode"], 8),
            copy=item["copy"],
            after=item["after"],
        )
        for item in manifest["files"]
    )
    state = State(manifest["state"])
    return Journal(folder, state, kept, manifest["parameters"], tuple(manifest["running"]))
