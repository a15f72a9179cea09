"""What a switch's page for machines says."""

import re
import urllib.error
import urllib.request
from collections import Counter
from http import HTTPStatus
from typing import Final

_TIMEOUT_SECONDS: Final = 10
_COUNTED: Final = {
    "ledger_unknown_outcomes_total": "postings whose outcome had to be found out",
    "ledger_swap_losses_total": "postings decided again after a lost swap",
}
_SAMPLE: Final = re.compile(r"^(\w+)(?:\{[^}]*\})? ([\d.e+]+)$", re.MULTILINE)


def is_ready(url: str) -> bool:
    """Whether the switch says that it takes requests."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=_TIMEOUT_SECONDS) as page:
            return bool(page.status == HTTPStatus.OK)
    except urllib.error.HTTPError as told:
        told.close()
        return False


def counted(url: str) -> Counter[str]:
    """What the switch has counted of the ledger's troubles since it was started."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=_TIMEOUT_SECONDS) as page:
        samples = _SAMPLE.findall(page.read().decode())
    counts: Counter[str] = Counter()
    for name, value in samples:
        if name in _COUNTED:
            counts[_COUNTED[name]] += int(float(value))
    return counts
