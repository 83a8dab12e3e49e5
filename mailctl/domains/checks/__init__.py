"""The checks of `verify`, an area a module; what they can find stands in the catalogue.

Promise: a check does nothing but ask through its `Tools`; missing and wrong rest on an answer, and a question that
nobody answered is `unknown`.
"""
