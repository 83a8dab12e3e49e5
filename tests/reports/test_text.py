"""Text for a terminal: what is shown, what is left out, and nothing that would steer the terminal."""

import io
import re
from dataclasses import replace

from rich.console import Console

from mailctl.domains.findings import Report
from mailctl.reports import FORMATS, HTML, Run, text
from tests.reports.examples import ALL, BAD, EVIL, GOOD, RUN


def shown(*reports: Report, run: Run = RUN) -> str:
    out = io.StringIO()
    Console(file=out, soft_wrap=True, highlight=False).print(text.write(reports, run), end="")
    return out.getvalue()


def test_a_domain_with_its_findings_the_worst_first() -> None:
    assert shown(BAD).splitlines() == [
        "bad.example",
        "  error    spf.plus-all   +all lets everybody send RFC 7208 §5.1",
        "           seen      bad.example TXT: v=spf1 +all from 192.0.2.53:53, ttl 300",
        "           expected  ~all",
        "           fix       bad.example. TXT …",
        "  warning  ns.single      ns1.bad.example is the only name server RFC 2182 §5",
        "           seen      bad.example TXT: v=spf1 +all from 192.0.2.53:53, ttl 300",
        "           fix       add another",
        "  unknown  mx.unknown     MX: timeout RFC 5321 §5.1",
        "           seen      bad.example MX: timeout",
        "           fix       wait",
        "  info     mtasts.missing there is no MTA-STS RFC 8461 §3.1",
        "  ok       dmarc.ok",
        "1 error, 1 warning, 1 unknown, 1 info, 1 ok",
    ]  # fmt: skip


def test_the_worst_domain_is_the_first() -> None:
    lines = shown(*ALL).splitlines()
    heads = [line for line in lines[:-1] if not line.startswith(" ")]
    assert heads == ["bad.example", "h.example", "dark.example", "good.example"]


def test_of_several_domains_what_is_worth_knowing_takes_a_line() -> None:
    assert "  info     mtasts.missing" in shown(BAD, GOOD).splitlines()
    assert "  info     mtasts.missing there is no MTA-STS RFC 8461 §3.1" in shown(
        BAD, GOOD, run=Run(everything=True)
    )


def test_everything_shows_what_is_fine_in_full() -> None:
    assert "  ok       spf.ok   sound RFC 7208" in shown(GOOD, run=Run(everything=True))


def test_what_changed_since_a_baseline() -> None:
    assert shown(replace(GOOD, findings=(), gone=())).splitlines()[1] == "  nothing new since the baseline"
    lines = shown(replace(GOOD, findings=(), gone=BAD.findings[:1])).splitlines()
    assert lines[1] == "  gone     spf.plus-all +all lets everybody send"
    assert lines[-1] == "clean; 1 gone since the baseline"


def test_two_long_values_are_cut_where_they_differ() -> None:
    one, other = "v=DKIM1; p=" + "A" * 300 + "B", "v=DKIM1; p=" + "A" * 300 + "C"
    assert text.contrast([one], [other])[0].endswith("AAAB [dim](312 characters)[/]")


def test_hostile_text_does_not_steer_the_terminal() -> None:
    said = shown(EVIL, run=Run(everything=True))
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]", said) is None
    assert "\\x1b]0;owned" in said
    assert "[x](http" in said  # Rich markup is shown, not read


def test_each_format_can_be_loaded_and_says_what_it_is_for() -> None:
    assert set(FORMATS) == {"text", "json", "jsonl", "sarif", "junit", "github", "markdown"}
    for form in (*FORMATS.values(), HTML):
        assert form.load()(ALL, RUN)
        assert form.purpose
