"""The one error of the embedded server; a module of its own, for every other module here raises it."""


class EmbeddedPostgresError(Exception):
    """The embedded server cannot be used; the text says why and ends with what the server logged."""
