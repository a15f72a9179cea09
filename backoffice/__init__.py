"""Clearing, reports and the web console: its own process, above the switch."""
