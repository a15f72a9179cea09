"""The switch: vocabularies, the ordered checks, the TCP shell, configuration and commands."""
