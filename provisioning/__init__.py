"""Data, not code: the sources of what mailctl puts onto hosts (Postfix, OpenDKIM)."""
