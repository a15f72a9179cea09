"""The double-entry ledger: pure decisions on wallets, and the group committer that makes them durable."""
