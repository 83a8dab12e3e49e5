"""Figures of speed, each beside a peer's or a ceiling's measured in the same run. Nothing here is a test.

`make bench` prints them and writes bench/results/latest.json; docs/performance.md says how they come about.
"""
