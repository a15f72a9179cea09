"""The ledger's durable half: schema, lanes of commit groups, unknown outcomes, verification."""
