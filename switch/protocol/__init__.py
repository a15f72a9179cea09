"""Sans-IO state of one terminal line: what may be read, what is in flight, what must be written."""
