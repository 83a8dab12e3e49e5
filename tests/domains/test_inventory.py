"""The inventory: what it gives, and that every mistake in it is named with its line, all at once."""

from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.domains.checks.target import Profile, Target
from mailctl.domains.inventory import KEYS, parse_inventory, read_inventory
from mailctl.errors import BadInput

GOOD = """\
# the domains of the agency
[[domain]]
name = "shop.example"
selectors = ["s1", "s2"]  # both in use
profile = "bulk-sender"
sending_ips = [
  "192.0.2.10",
  "2001:db8::10",
]
ignore = ["mtasts.missing"]
hostname = "mail.shop.example"

[[domain]]
name = "Bücher.example."
[[ domain ]] # parked
"name" = 'parked.example'
'profile' = "parked"
"""
BROKEN = """\
[[domain]]
name = "a.example"  # [[domain]] in a comment
selectors = [
  "s1",  # one
  "bad name",
  's"3',
]
sending_ips = ["192.0.2.1", "300.1.1.1"]

[[domain]]
nmae = "b.example"
profile = "bulk"
ignore = ["spf.mising"]

[[domain]]
name = "c.example
selectors = 5

[[domain]]
name = "d.example"
selectors = ["x",

[[domain]]
name = "a_b.example"
hostname = "x"
[[domain]]
name = "e.example"
name = "f.example"
[domains]
x = 1
[[domain]]
name = \"\"\"g.example
[[domain]]\"\"\"
[[domain]]
name = "h.example"
[[domain]]
name = "H.example."
sending_ips = "192.0.2.1"
[[domain]]
selectors = [1]
"""


def problems(text: str) -> list[tuple[int, str]]:
    return parse_inventory(text)[1]


def test_every_key_of_a_domain_and_its_line(tmp_path: Path) -> None:
    file = tmp_path / "domains.toml"
    file.write_text(GOOD, encoding="utf-8")
    assert read_inventory(file) == (
        Target(
            "shop.example",
            ("s1", "s2"),
            Profile.BULK_SENDER,
            (ip_address("192.0.2.10"), ip_address("2001:db8::10")),
            frozenset({"mtasts.missing"}),
            "mail.shop.example",
            2,
        ),
        Target("xn--bcher-kva.example", line=13),
        Target("parked.example", profile=Profile.PARKED, line=15),
    )


def test_a_file_as_windows_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "domains.toml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert [target.line for target in read_inventory(file)] == [2, 13, 15]


def test_every_mistake_has_its_line_and_nothing_is_given(tmp_path: Path) -> None:
    file = tmp_path / "domains.toml"
    file.write_text(BROKEN, encoding="utf-8")
    with pytest.raises(BadInput, match="17 things") as raised:
        read_inventory(file)
    told = [detail.removeprefix(f"{file}:") for detail in raised.value.details]
    expected = [
        (5, "selectors: 'bad name' is not a selector"),
        (6, "selectors: 's\"3' is not a selector"),
        (8, "sending_ips: '300.1.1.1' does not appear to be"),
        (11, "'nmae' is not a key; the nearest is name"),
        (12, "profile: 'bulk' is not a profile; the nearest is bulk-sender"),
        (13, "ignore: 'spf.mising' is not the id of a finding; the nearest is spf.missing"),
        (16, "Illegal character '\\n' (column 18)"),
        (21, "Invalid value"),
        (24, "name: 'a_b.example' is not a domain name: it has an underscore"),
        (25, "hostname: 'x' is not a host name: it has a single label"),
        (28, "Cannot overwrite a value"),
        (29, "'[domains]' is not a table of an inventory; the nearest is [[domain]]"),
        (32, "name: 'g.example\\n[[domain]]' is not a domain name"),
        (37, "name: h.example is in line 34 already"),
        (38, "sending_ips: must be a list of strings, seen: '192.0.2.1'"),
        (39, "this [[domain]] has no name"),
        (40, "selectors: must be a list of strings, seen: '[1]'"),
    ]
    assert len(told) == len(expected)
    for detail, (line, words) in zip(told, expected, strict=True):
        assert detail.startswith(f"{line}: {words}")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "there is no [[domain]] table"),
        ("# nothing\n", 1, "there is no [[domain]] table"),
        ('name = "a.example"\n', 1, "name stands outside of a [[domain]] table"),
        ('\n[domain]\nname = "a.example"', 2, "it takes double brackets"),
        ('domain = [{name = "a.example"}]', 1, "domain stands outside"),
        ("[[domain]]", 1, "this [[domain]] has no name"),
        ("[[domain]]\nname = 5", 2, "name: must be a string"),
        ('[[domain]] name = "a.example"', 1, "is not a table of an inventory"),
        ('[[domain]]\nname = "a.example"\n[[domain.more]]\nx = 1', 3, "is not a table"),
        ('[[domain]]\nname = "a.example"\n\x00', 3, "Invalid statement"),
    ],
)
def test_one_mistake(text: str, line: int, words: str) -> None:
    ((at, told),) = problems(text)
    assert at == line
    assert words in told


def test_a_bracket_or_a_sign_inside_of_a_string_is_text() -> None:
    text = '[[domain]]\nname = "a.example"\nselectors = ["a#b", "c]", "d"]\n[[domain]]\nname = "b.example"'
    targets, wrong = parse_inventory(text)
    assert [line for line, _ in wrong] == [3, 3]
    assert [target.line for target in targets] == [4]


@pytest.mark.parametrize("content", [b'[[domain]]\nname = "a.example"\n# \xff\n'])
def test_a_file_that_is_no_text(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(content)
    with pytest.raises(BadInput, match="not UTF-8") as raised:
        read_inventory(file)
    assert raised.value.details == (f"{file}:3: bytes that are no text",)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_inventory(tmp_path / "none.toml")
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        read_inventory(tmp_path)


@given(st.text(alphabet=st.sampled_from("[]{}\"'#=,.\n\\ adomainxyz\u00e9"), max_size=200))
def test_no_text_breaks_it_and_lines_are_lines_of_it(text: str) -> None:
    targets, wrong = parse_inventory(text)
    lines = text.count("\n") + 1
    assert all(1 <= line <= lines for line, _ in wrong)
    assert all(1 <= target.line <= lines for target in targets)
    assert targets or wrong


@given(st.sampled_from(KEYS), st.text(alphabet="abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12))
def test_an_unknown_key_comes_with_a_known_one(known: str, key: str) -> None:
    if key not in KEYS:
        text = f'[[domain]]\nname = "a.example"\n{key} = 1\n'
        assert any(line == 3 and any(k in told for k in KEYS) for line, told in problems(text)), known
