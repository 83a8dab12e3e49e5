"""One mail standard a module: parse, format, evaluate. Pure: no I/O, nothing else of the project."""
