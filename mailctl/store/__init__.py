"""Tables, queries and migrations: what mailctl remembers."""

from mailctl.store.opening import Store, open_store

__all__ = ["Store", "open_store"]
