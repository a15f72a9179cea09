"""The only asyncio of the front: listeners, clock, signals."""
