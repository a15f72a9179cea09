"""Metrics, logs and health: every metric and log field is named here."""
