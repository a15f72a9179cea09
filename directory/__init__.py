"""What the switch knows of the world: cards, merchants and terminals, and the view the hot path reads."""
