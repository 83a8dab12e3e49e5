"""A domain, from facts to proof: desired records and host state, plan, apply, publish, rehearse, verify, rotate."""
