"""The macro language of SPF (RFC 7208 §7): parse and expand.

Promise: `parts` accepts what §7.1 accepts and nothing else; `expand` is a pure function of the values
that it is given. Work is linear in the length of the text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

DOMAIN_LETTERS = frozenset("slodiphv")
ALL_LETTERS = DOMAIN_LETTERS | frozenset("crt")  # §7.2: c, r and t only in explanation texts

_TOKEN = re.compile(
    r"%\{(?P<letter>[A-Za-z])(?P<keep>[0-9]*)(?P<reverse>[rR]?)(?P<delimiters>[-.+,/_=]*)\}"
    r"|%(?P<fixed>[%_-])"
    r"|(?P<literal>[^%]+)"
    r"|%"
)
_FIXED = {"%": "%", "_": " ", "-": "%20"}
_NO_LIMIT = 128  # a name has at most 127 labels


class MacroError(ValueError):
    """A text that breaks the macro syntax; `position` counts characters from its start."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Macro:
    """One %{…}: the letter, whether it was upper case (URL escaping), and the transformers of §7.3."""

    letter: str
    escaped: bool = False
    keep: int = 0  # how many right-hand parts; 0 means all
    reverse: bool = False
    delimiters: str = "."

    def expand(self, values: Mapping[str, str]) -> str:
        value = values[self.letter]
        pieces = re.split(f"[{re.escape(self.delimiters)}]", value)
        if self.reverse:
            pieces.reverse()
        value = ".".join(pieces[-self.keep :]) if self.keep else ".".join(pieces)
        return quote(value, safe="") if self.escaped else value


@dataclass(frozen=True, slots=True)
class Fixed:
    """One of %%, %_ and %-."""

    text: str


Part = str | Macro | Fixed


def parts(text: str, *, letters: frozenset[str] = ALL_LETTERS, spaces: bool = False) -> tuple[Part, ...]:
    """`text` as literals and macros; `MacroError` where it is none. `spaces`: it is an explanation."""
    return tuple(_parts(text, letters, spaces))


def letters_of(pieces: tuple[Part, ...]) -> frozenset[str]:
    """The letters whose values an expansion needs."""
    return frozenset(p.letter for p in pieces if isinstance(p, Macro))


def expand(pieces: tuple[Part, ...], values: Mapping[str, str], *, last: int | None = None) -> str:
    """The text with every macro replaced by its value; `values` has an entry for each letter in it.

    Where only so many characters at the end matter, `last` saves the work for the rest of a hostile text.
    """
    texts: list[str] = []
    length = 0
    for piece in reversed(pieces):
        texts.append(_expanded(piece, values))
        length += len(texts[-1])
        if last is not None and length > last:
            break
    return "".join(reversed(texts))


def _expanded(piece: Part, values: Mapping[str, str]) -> str:
    match piece:
        case str():
            return piece
        case Fixed():
            return piece.text
        case Macro():
            return piece.expand(values)


def _parts(text: str, letters: frozenset[str], spaces: bool) -> Iterator[Part]:
    for token in _TOKEN.finditer(text):
        letter, fixed, literal = token["letter"], token["fixed"], token["literal"]
        if literal is not None:
            _check_literal(literal, token.start(), spaces)
            yield literal
        elif fixed is not None:
            yield Fixed(_FIXED[fixed])
        elif letter is None:
            raise MacroError(token.start(), "a % that does not start a macro; a plain one is written %%")
        elif letter.lower() not in letters:
            known = letter.lower() in ALL_LETTERS
            where = "is for explanations only" if known else "does not exist"
            raise MacroError(token.start(), f"the macro %{{{letter}}} {where}")
        else:
            yield Macro(
                letter.lower(),
                letter.isupper(),
                _keep(token["keep"], token.start()),
                bool(token["reverse"]),
                token["delimiters"] or ".",
            )


def _keep(digits: str, position: int) -> int:
    if not digits:
        return 0
    significant = digits.lstrip("0")
    if not significant:
        raise MacroError(position, "a macro that keeps 0 parts")  # §7.3: must be nonzero
    return min(int(significant[:4]), _NO_LIMIT)


def _check_literal(literal: str, start: int, spaces: bool) -> None:
    """§7.1 macro-literal: visible ASCII; explanations also have spaces (§6.2)."""
    for offset, character in enumerate(literal):
        if not ("!" <= character <= "~" or (spaces and character == " ")):
            raise MacroError(start + offset, f"the character U+{ord(character):04X} is not allowed")
