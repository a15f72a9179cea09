"""What a switch's page for machines says."""

import re
import urllib.error
import urllib.request
from collections import Counter
from http import HTTPStatus
from itertools import product
from typing import Final

_TIMEOUT_SECONDS: Final = 10
_COUNTED: Final = {
    r"ledger_unknown_outcomes_total\b": "postings whose outcome had to be found out",
    r"ledger_swap_losses_total\b": "postings decided again after a lost swap",
    r"ledger_commit_groups_total\{.*duplicate_key": "groups decided again after another node took a key",
}
_SAMPLE: Final = re.compile(r"^([^#\s]\S*) ([\d.e+]+)$", re.MULTILINE)


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
    for (pattern, told), (sample, value) in product(_COUNTED.items(), samples):
        if re.match(pattern, sample):
            counts[told] += int(float(value))
    return counts
