"""The software HSM: every key, PIN, MAC and sealed balance is made, kept and opened here only."""
