"""The ordered checks of a transaction, and the flow that plays them against ledger and HSM."""
