"""Test vectors as data: read from a file, computed with the HSM's own functions, compared."""
