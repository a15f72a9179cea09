"""One module per dialect: message to canonical request, canonical result to message."""
