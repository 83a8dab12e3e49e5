"""How a fix is written: a line that a person can paste into a zone file or a web form.

Promise: what `txt_line` gives is one TXT record and nothing else, whatever a stranger's zone put into the text; ""
where it is longer than anybody pastes.
"""

from mailctl.domains.export import zone_fragment
from mailctl.standards.dns import Record

LONGEST = 4_000  # characters


def txt_line(name: str, text: str) -> str:
    """The TXT record in zone-file form, the blanks in it tidied; "" for an empty or an endless text."""
    text = " ".join(text.split())
    return zone_fragment([Record(name, "TXT", text)]).rstrip() if text and len(text) <= LONGEST else ""
