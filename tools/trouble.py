"""What can go wrong with a simulator or a demo that its user can mend: told in one line, no traceback."""


class Trouble(Exception):
    """Expected trouble; the text is for the user and holds no card data and no key."""
