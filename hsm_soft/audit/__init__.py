"""The audit of everything done to keys: append-only, without secrets, and provable to whoever kept a head."""
