"""One process that checks domains with checkdmarc; run by the Python of .venv-bench, which has no mailctl.

`python bench/peer_checkdmarc.py FIGURES PORT DOMAIN…` does what `checkdmarc -n 127.0.0.1 DOMAIN…` does, call for call,
save that the name server has another port than 53, which only the library can be told. FIGURES is as in
bench/checking.py.
"""

import json
import sys
import time
from pathlib import Path

from checkdmarc import check_domains, results_to_json
from dns.nameserver import Do53Nameserver


def main() -> None:
    figures, port, *names = sys.argv[1:]
    begun = time.perf_counter()
    results = check_domains(names, nameservers=[Do53Nameserver("127.0.0.1", int(port))])
    seconds = time.perf_counter() - begun
    print(results_to_json(results))
    status = Path("/proc/self/status").read_text()
    megabytes = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    Path(figures).write_text(json.dumps({"seconds": seconds, "megabytes": megabytes}))


if __name__ == "__main__":
    main()
