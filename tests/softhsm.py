"""SoftHSM as a PKCS#11 token: a software token of Debian's, good enough to test with."""

import shutil
import subprocess
from pathlib import Path

import pytest

SOFTHSM_PIN = "271828"
_LIBRARIES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")


def softhsm_library() -> Path:
    """Where the library is; skips the test where there is none, or nothing to speak to it with."""
    pytest.importorskip("pkcs11", reason="the extra cardswitch[pkcs11] is not installed")
    library = next((Path(name) for name in _LIBRARIES if Path(name).exists()), None)
    if library is None or shutil.which("softhsm2-util") is None:
        pytest.skip("softhsm2 is not installed")
    return library


def make_softhsm_token(folder: Path) -> Path:
    """Make a token with the label lmk in a folder; the file that SOFTHSM2_CONF has to name."""
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    pins = ("--so-pin", "31415926", "--pin", SOFTHSM_PIN)
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "lmk", *pins],
        env={"SOFTHSM2_CONF": str(configuration)},
        check=True,
        capture_output=True,
    )
    return configuration
