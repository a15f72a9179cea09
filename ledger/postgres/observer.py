"""What the committer tells about itself: one hook for metrics, logs and tests."""


class LedgerObserver:
    """Listens to the lanes; every method does nothing here, so that listeners override what they need."""

    def group_finished(self, lane: int, result: str, size: int, seconds: float) -> None:
        """A group's attempt ended; `result` is `committed` or the name of what went wrong."""

    def outcome_unknown(self, lane: int, size: int) -> None:
        """The answer to a group of `size` intents was lost; it is being resolved through the writer row."""

    def wallet_quarantined(self, wallet_id: int, reason: str) -> None:
        """A wallet was refused on load: its seal is broken, or it isn't the newest version."""

    def shortfall_posted(self, wallet_id: int, amount_minor: int) -> None:
        """Something had to post, and the wallet was short of this: its cardholder owes it from now on."""

    def intent_given_up(self, transaction_id: int, failure: Exception) -> None:
        """An intent that fails even alone was refused; only a defect or damaged data makes one."""

    def lane_died(self, defect: BaseException) -> None:
        """A lane has ended by a defect of the program: the node won't be ready again."""

    def queue_changed(self, lane: int, depth: int, cached_wallets: int) -> None:
        """A group was taken from the lane's queue."""
