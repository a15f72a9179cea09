"""Every movement of a card's money, as tables that a payments analyst can read."""
