"""Which destination authorises a transaction: range tables as data, selected purely."""
