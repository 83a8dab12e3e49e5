"""Tables, queries and migrations: what mailctl remembers."""
