"""A domain, from facts to proof: wishes, plans, apply, publish, rehearse, verify, rotate."""
