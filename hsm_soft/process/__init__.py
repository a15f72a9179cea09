"""The HSM as its own process: a Unix socket, frames of many operations, and a client that comes back."""
