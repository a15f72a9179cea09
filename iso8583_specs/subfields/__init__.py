"""What stands inside a field: each structure is parsed into a type and built back to the same content."""
