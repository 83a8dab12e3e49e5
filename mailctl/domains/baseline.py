"""What changed since an earlier run: `--baseline FILE` reports what is new, and what is gone.

Promise: a finding is the same as an earlier one where domain, id, severity and the questions that it rests on are the
same; times, wording and answers may differ. Nothing is called gone of which this run could not see anything.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mailctl.domains.checks.catalogue import found
from mailctl.domains.findings import Evidence, Finding, Report, Severity, sort
from mailctl.errors import BadInput

Baseline = Mapping[str, tuple[Finding, ...]]  # by domain
LARGEST = 512 * 1024 * 1024  # bytes


def fingerprint(domain: str, finding: Finding) -> str:
    """A text that stays the same for the same fault of the same domain, from run to run."""
    questions = sorted({one.question for one in finding.evidence})
    return hashlib.sha256(
        "\n".join((domain, finding.id, *questions)).encode(errors="backslashreplace")
    ).hexdigest()[:32]


def read_baseline(path: Path) -> Baseline:
    """The findings of a run that was kept with --format json or jsonl. Raises `BadInput`."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(
                f"the baseline {path} is larger than {LARGEST // 1024 // 1024} MiB",
                hint="name the output of an earlier mailctl verify --format json",
            )
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"the baseline {path} cannot be read: {error.strerror}", hint="name a file that you may read"
        ) from error
    except UnicodeDecodeError as error:
        raise _unusable(path, "it is not UTF-8") from error
    try:
        return {str(one["domain"]): tuple(map(_finding, one["findings"])) for one in _documents(text)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unusable(path, f"{type(error).__name__}: {error}") from error


def compare(report: Report, baseline: Baseline) -> Report:
    """The report with nothing but what changed: `findings` holds what is new, `gone` what is no more."""
    earlier = baseline.get(report.domain, ())
    before = [f for f in earlier if f.severity is not Severity.OK]
    now = [f for f in report.findings if f.severity is not Severity.OK]
    gone = [f for f in _beyond(report.domain, before, now) if not _unseen(f, now)]
    new = [*_beyond(report.domain, now, before), *_unannounced(earlier, report.findings)]
    return replace(report, findings=sort(new), gone=sort(gone))


def _unannounced(before: Iterable[Finding], now: Iterable[Finding]) -> list[Finding]:
    """An MTA-STS policy that is another one while its id is not: senders keep the old one (RFC 8461 §3.1)."""
    old, new = _policy(before), _policy(now)
    if old is None or new is None or old[0].answer != new[0].answer or old[1].answer == new[1].answer:
        return []
    message = "the policy is another one than in the baseline, and the record has the same id"
    return [found("mtasts.id-not-changed", message, evidence=new)]


def _policy(findings: Iterable[Finding]) -> tuple[Evidence, Evidence] | None:
    """The record and the policy that `mtasts.ok` rests on; None where the policy was not read."""
    proofs = [finding.evidence for finding in findings if finding.id == "mtasts.ok"]
    return (proofs[0][0], proofs[0][1]) if proofs and len(proofs[0]) == 2 else None


def _beyond(domain: str, these: Sequence[Finding], those: Sequence[Finding]) -> list[Finding]:
    """What `these` has and `those` has not; of several that are the same, those with the same message pair up first."""

    def key(finding: Finding) -> tuple[str, Severity]:
        return fingerprint(domain, finding), finding.severity

    exact = Counter((key(f), f.message) for f in those) & Counter((key(f), f.message) for f in these)
    rest = Counter(map(key, those))
    for (same, _), count in exact.items():
        rest[same] -= count
    left = []
    for finding in these:
        if exact[key(finding), finding.message] > 0:
            exact[key(finding), finding.message] -= 1
        elif rest[key(finding)] > 0:
            rest[key(finding)] -= 1
        else:
            left.append(finding)
    return left


def _unseen(before: Finding, now: Iterable[Finding]) -> bool:
    """Whether this run could not look at what the earlier one had found."""
    unknown = {finding.area for finding in now if finding.severity is Severity.UNKNOWN}
    return bool(unknown & {before.area, "domain"})


def _documents(text: str) -> list[Any]:
    """One JSON list, or one object a line."""
    if text.lstrip().startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _finding(fact: Any) -> Finding:
    return Finding(
        id=str(fact["id"]),
        severity=Severity(fact["severity"]),
        message=str(fact["message"]),
        reference=str(fact.get("reference", "")),
        expected=str(fact.get("expected", "")),
        evidence=tuple(
            Evidence(str(e["question"]), str(e["answer"]), str(e.get("server", "")), int(e.get("ttl", 0)))
            for e in fact.get("evidence", ())
        ),
        fix=str(fact.get("fix", "")),
    )


def _unusable(path: Path, why: str) -> BadInput:
    return BadInput(
        f"the baseline {path} cannot be used: {why}",
        hint="keep one with: mailctl verify --format jsonl > baseline.jsonl",
    )
