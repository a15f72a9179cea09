"""What happens to money, as tables: each row an event, its outcome and what holds afterwards.

Each table is played twice, every request in a commit group of its own and all of a day in one group: how
requests fall into groups must make no difference to anybody.
"""

from .conftest import Play
from .money_table import run


def test_purchases_and_funds(play: Play) -> None:
    """A purchase takes what is there to the last cent, and nothing beyond; a refused one changes nothing."""
    play("""
        W1: open 10.00
            purchase W1  4.00      -> APPROVED               W1=6.00  W1.count=1  W1.spent=4.00
            purchase W1  6.01      -> INSUFFICIENT_FUNDS     W1=6.00  W1.count=1  W1.spent=4.00
            purchase W1  6.00      -> APPROVED               W1=0.00  W1.count=2  W1.spent=10.00
            purchase W1  0.01      -> INSUFFICIENT_FUNDS     W1=0.00
            inquiry  W1            -> APPROVED               W1=0.00
            purchase W1  0.00      -> AMOUNT_INVALID         W1=0.00
            purchase W1 -1.00      -> AMOUNT_INVALID         W1=0.00
    """)


def test_repeats(play: Play) -> None:
    """A repeat gets the first answer, whatever changed since; a used key for something else is refused."""
    play("""
        W1: open 10.00
        W2: open 10.00
        P1: purchase W1  8.00      -> APPROVED               W1=2.00
        P1: purchase W1  8.00      -> APPROVED again         W1=2.00
        P2: purchase W1  8.00      -> INSUFFICIENT_FUNDS     W1=2.00
            reversal P1  8.00      -> APPROVED               W1=10.00
        P2: purchase W1  8.00      -> INSUFFICIENT_FUNDS again W1=10.00
        P3: purchase W1  1.00      -> APPROVED               W1=9.00
        P3: purchase W1  2.00      -> DUPLICATE_DIFFERS      W1=9.00
        P3: purchase W2  1.00      -> DUPLICATE_DIFFERS      W2=10.00
        P3: purchase W1  1.00      -> APPROVED again         W1=9.00
        Q1: inquiry  W1            -> APPROVED
            purchase W1  1.00      -> APPROVED               W1=8.00
        Q1: inquiry  W1            -> APPROVED again
    """)


def test_one_stan_for_two_operations(play: Play) -> None:
    """Kinds have keys of their own: a purchase, an inquiry and a reversal may share a STAN."""
    play("""
        W1: open 10.00
        S1: purchase W1  1.00      -> APPROVED               W1=9.00
        S1: inquiry  W1            -> APPROVED
        S1: reversal S1  1.00      -> APPROVED               W1=10.00
    """)


def test_reversals(play: Play) -> None:
    """A reversal restores exactly, once; afterwards its original's repeats are refused."""
    play("""
        W1: open 10.00
        P1: purchase W1  4.00      -> APPROVED               W1=6.00  W1.count=1  W1.spent=4.00
        P2: purchase W1  1.00      -> APPROVED               W1=5.00  W1.count=2  W1.spent=5.00
            reversal P1  4.00      -> APPROVED               W1=9.00  W1.count=1  W1.spent=1.00
            reversal P1  4.00      -> APPROVED again         W1=9.00
        R9: reversal P1  4.00      -> APPROVED               W1=9.00
        R8: reversal P1  4.00      -> APPROVED               W1=9.00  W1.count=1
        P1: purchase W1  4.00      -> RELATED_TRANSACTION_WRONG  W1=9.00
            reversal P2  1.00      -> APPROVED               W1=10.00 W1.count=0  W1.spent=0.00
    """)


def test_reversals_that_do_not_fit(play: Play) -> None:
    """Another amount, asset or card is refused and changes nothing; the right reversal still gets through."""
    play("""
        W1: open 10.00
        W2: open 10.00
        P1: purchase W1  4.00                  -> APPROVED                 W1=6.00
            reversal P1  3.99                  -> ORIGINAL_AMOUNT_DIFFERS  W1=6.00
            reversal P1  4.00 asset=840        -> ORIGINAL_AMOUNT_DIFFERS  W1=6.00
            reversal P1  4.00 card=W2          -> CARD_DIFFERS             W1=6.00  W2=10.00
            reversal P1  4.00 card=stranger    -> CARD_DIFFERS             W1=6.00
            reversal P1  4.00 card=W1          -> APPROVED                 W1=10.00
            reversal P1  3.00 card=W1          -> DUPLICATE_DIFFERS        W1=10.00
        R1: reversal P1  3.00                  -> APPROVED                 W1=10.00
    """)


def test_reversal_of_a_decline(play: Play) -> None:
    """There is nothing to take back from a decline, and that is fine; the decline stays one."""
    play("""
        W1: open 1.00
        P1: purchase W1  4.00      -> INSUFFICIENT_FUNDS     W1=1.00
            reversal P1  4.00      -> APPROVED               W1=1.00
            reversal P1  4.00      -> APPROVED again         W1=1.00
        P1: purchase W1  4.00      -> INSUFFICIENT_FUNDS again W1=1.00
    """)


def test_reversal_before_its_original(play: Play) -> None:
    """A reversal of something unknown is noted, and the late original refused, however often it comes."""
    play("""
        W1: open 10.00
            reversal P1  4.00      -> ORIGINAL_NOT_FOUND
            reversal P1  4.00      -> ORIGINAL_NOT_FOUND again
        R1: reversal P1  4.00      -> ORIGINAL_NOT_FOUND
        P1: purchase W1  4.00      -> RELATED_TRANSACTION_WRONG  W1=10.00
        P1: purchase W1  4.00      -> RELATED_TRANSACTION_WRONG  W1=10.00
        R2: reversal P1  4.00      -> ORIGINAL_NOT_FOUND         W1=10.00
    """)


def test_pin_tries(play: Play) -> None:
    """The third wrong PIN in a row is the last that is looked at; after it the right one is refused too."""
    play("""
        W1: open 10.00
            purchase W1 1.00 pin=bad -> PIN_WRONG            W1=10.00 W1.tries=1
            purchase W1 1.00 pin=bad -> PIN_WRONG            W1=10.00 W1.tries=2
            inquiry  W1      pin=bad -> PIN_WRONG            W1.tries=3
            purchase W1 1.00 pin=ok  -> PIN_TRIES_EXCEEDED   W1=10.00 W1.tries=3
            purchase W1 1.00 pin=bad -> PIN_TRIES_EXCEEDED   W1.tries=3
            inquiry  W1      pin=ok  -> PIN_TRIES_EXCEEDED   W1.tries=3
            purchase W1 1.00         -> APPROVED             W1=9.00  W1.tries=3
    """)


def test_right_pin_resets(play: Play) -> None:
    """The right PIN forgets the wrong ones before it, even where limits or funds then refuse."""
    play("""
        W1: open 10.00
            purchase W1  1.00 pin=bad -> PIN_WRONG           W1.tries=1
            purchase W1  1.00 pin=ok  -> APPROVED            W1=9.00  W1.tries=0
            purchase W1  1.00 pin=bad -> PIN_WRONG           W1.tries=1
            purchase W1 99.00 pin=ok  -> INSUFFICIENT_FUNDS  W1=9.00  W1.tries=0
            purchase W1  1.00 pin=bad -> PIN_WRONG           W1.tries=1
            inquiry  W1       pin=ok  -> APPROVED            W1.tries=0
            inquiry  W1       pin=ok  -> APPROVED            W1.tries=0
            purchase W1  1.00         -> APPROVED            W1=8.00  W1.tries=0
    """)


def test_repeated_wrong_pin_counts_once(play: Play) -> None:
    """A repeat of a request with a wrong PIN isn't another try, and a reversal doesn't give the try back."""
    play("""
        W1: open 10.00
        P1: purchase W1  1.00 pin=bad -> PIN_WRONG           W1.tries=1
        P1: purchase W1  1.00 pin=bad -> PIN_WRONG again     W1.tries=1
            reversal P1  1.00         -> APPROVED            W1=10.00 W1.tries=1
    """)


def test_pin_before_limits_before_funds(play: Play) -> None:
    """Where several checks would refuse, the first in order answers."""
    play("""
        W1: open 10.00
            purchase W1 99.00 pin=bad max=1.00 day=1.00 count=0 -> PIN_WRONG
            purchase W1  0.00 pin=ok  max=1.00 day=1.00 count=0 -> AMOUNT_INVALID
            purchase W1 99.00 pin=ok  max=1.00 day=1.00 count=0 -> AMOUNT_OVER_LIMIT
            purchase W1 99.00 pin=ok           day=1.00 count=0 -> AMOUNT_OVER_LIMIT
            purchase W1 99.00 pin=ok                    count=0 -> COUNT_OVER_LIMIT
            purchase W1 99.00 pin=ok                            -> INSUFFICIENT_FUNDS
    """)


def test_limits_at_their_edges(play: Play) -> None:
    """A limit is the most that is allowed: at it is within."""
    play("""
        W1: open 100.00
            purchase W1  5.00 max=5.00 -> APPROVED           W1=95.00
            purchase W1  5.01 max=5.00 -> AMOUNT_OVER_LIMIT  W1=95.00
            purchase W1  3.00 day=8.00 -> APPROVED           W1=92.00 W1.spent=8.00
            purchase W1  0.01 day=8.00 -> AMOUNT_OVER_LIMIT  W1=92.00
            purchase W1  1.00 count=3  -> APPROVED           W1=91.00 W1.count=3
            purchase W1  1.00 count=3  -> COUNT_OVER_LIMIT   W1=91.00 W1.count=3
    """)


def test_limits_start_anew_each_business_day(play: Play) -> None:
    """What was bought yesterday doesn't count today."""
    play("""
        W1: open 100.00
            purchase W1 8.00 day=8.00  -> APPROVED           W1.spent=8.00
            purchase W1 1.00 day=8.00  -> AMOUNT_OVER_LIMIT
            tomorrow
            purchase W1 8.00 day=8.00  -> APPROVED           W1.count=1 W1.spent=8.00
            purchase W1 1.00 day=8.00  -> AMOUNT_OVER_LIMIT
    """)


def test_reversal_gives_the_limit_back(play: Play) -> None:
    """A purchase reversed on its day doesn't count any longer."""
    play("""
        W1: open 100.00
        P1: purchase W1 8.00 day=8.00 count=1 -> APPROVED    W1=92.00  W1.count=1 W1.spent=8.00
            reversal P1 8.00                  -> APPROVED    W1=100.00 W1.count=0 W1.spent=0.00
            purchase W1 8.00 day=8.00 count=1 -> APPROVED    W1=92.00  W1.count=1
    """)


def test_reversal_on_a_later_day(play: Play) -> None:
    """Reversing yesterday's purchase gives money back, but no share of today's limits."""
    play("""
        W1: open 100.00
        P1: purchase W1 8.00       -> APPROVED               W1=92.00  W1.count=1 W1.spent=8.00
            tomorrow
            purchase W1 3.00       -> APPROVED               W1=89.00  W1.count=1 W1.spent=3.00
            reversal P1 8.00       -> APPROVED               W1=97.00  W1.count=1 W1.spent=3.00
    """)


def test_reversal_as_the_first_of_a_day(play: Play) -> None:
    """Before today's first purchase the window is still yesterday's, and what is reversed leaves it."""
    play("""
        W1: open 100.00
        P1: purchase W1 8.00       -> APPROVED
        P2: purchase W1 1.00       -> APPROVED               W1=91.00  W1.count=2 W1.spent=9.00
            tomorrow
            reversal P1 8.00       -> APPROVED               W1=99.00  W1.count=1 W1.spent=1.00
            purchase W1 3.00       -> APPROVED               W1=96.00  W1.count=1 W1.spent=3.00
            reversal P2 1.00       -> APPROVED               W1=97.00  W1.count=1 W1.spent=3.00
    """)


def test_refusals_that_came_with_the_request(play: Play) -> None:
    """A final refusal is remembered like a decision; one that can be mended leaves the key free."""
    play("""
        W1: open 10.00
        P1: purchase W1       1.00 refused=CARD_EXPIRED    -> CARD_EXPIRED          W1=10.00
        P1: purchase W1       1.00                         -> CARD_EXPIRED again    W1=10.00
        P2: purchase stranger 1.00 refused=CARD_UNKNOWN    -> CARD_UNKNOWN
        P2: purchase stranger 1.00 refused=CARD_UNKNOWN    -> CARD_UNKNOWN again
        P3: purchase W1       1.00 refused=PIN_UNREADABLE  -> PIN_UNREADABLE        W1=10.00
        P3: purchase W1       1.00                         -> APPROVED              W1=9.00
        P3: purchase W1       1.00 refused=CARD_EXPIRED    -> APPROVED again        W1=9.00
            reversal P1       1.00                         -> APPROVED              W1=9.00
            reversal P9       1.00                         -> ORIGINAL_NOT_FOUND
        P9: purchase W1       1.00 refused=CARD_EXPIRED    -> RELATED_TRANSACTION_WRONG
    """)


def test_grouping_makes_no_difference() -> None:
    """The same requests leave the same wallets and rows, each in a group of its own or all in one."""
    text = """
        W1: open 10.00
        W2: open 10.00
        P1: purchase W1 1.00 pin=bad -> PIN_WRONG
        P2: purchase W1 3.00 pin=ok  -> APPROVED
        P3: purchase W2 3.00         -> APPROVED
            reversal P2 3.00         -> APPROVED
        P2: purchase W1 3.00 pin=ok  -> RELATED_TRANSACTION_WRONG
            reversal P4 1.00         -> ORIGINAL_NOT_FOUND
        P4: purchase W2 1.00         -> RELATED_TRANSACTION_WRONG
    """

    alone, together = run(text, together=False).ledger, run(text, together=True).ledger

    assert alone.wallets == together.wallets
    assert alone.transactions == together.transactions
    assert alone.entries == together.entries
