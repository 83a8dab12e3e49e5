"""How reports of `verify` are written: a format a module, all of them pure text out of the same `Report`s."""
