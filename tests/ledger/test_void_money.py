"""What happens to money when purchases are voided, and voids reversed; tables as in `test_money`.

Each table is played twice, every request in a commit group of its own and all of a day in one group.
"""

from ledger.identity import CHANGES_MAX

from .conftest import Play


def test_voids(play: Play) -> None:
    """A void gives back exactly, with the share of the day's limits, once; what comes after it is refused."""
    play("""
        W1: open 10.00
        P1: purchase W1  4.00      -> APPROVED               W1=6.00  W1.count=1  W1.spent=4.00
        P2: purchase W1  1.00      -> APPROVED               W1=5.00  W1.count=2  W1.spent=5.00
        V1: void P1      4.00      -> APPROVED               W1=9.00  W1.count=1  W1.spent=1.00
        V1: void P1      4.00      -> APPROVED again         W1=9.00
        V2: void P1      4.00      -> RELATED_TRANSACTION_WRONG        W1=9.00
        V2: void P1      4.00      -> RELATED_TRANSACTION_WRONG again  W1=9.00
        P1: purchase W1  4.00      -> RELATED_TRANSACTION_WRONG        W1=9.00
        V3: void P2      1.00      -> APPROVED               W1=10.00 W1.count=0  W1.spent=0.00
        V3: void P1      4.00      -> DUPLICATE_DIFFERS      W1=10.00
    """)


def test_voids_that_find_no_purchase(play: Play) -> None:
    """A void needs key and number of one purchase; without one it is refused and leaves no tombstone."""
    play("""
        W1: open 10.00
        P1: purchase W1  4.00                -> APPROVED            W1=6.00
        P2: purchase W1  4.00                -> APPROVED            W1=2.00
        V1: void P1      4.00 quoting=P2     -> ORIGINAL_NOT_FOUND  W1=2.00
        V2: void P1      4.00 quoting=other  -> ORIGINAL_NOT_FOUND  W1=2.00
        V3: void P9      4.00                -> ORIGINAL_NOT_FOUND  W1=2.00
        V4: void P9      4.00 quoting=P1     -> ORIGINAL_NOT_FOUND  W1=2.00
        P9: purchase W1  1.00                -> APPROVED            W1=1.00
        V1: void P1      4.00 quoting=P2     -> ORIGINAL_NOT_FOUND again
        V1: void P1      4.00                -> DUPLICATE_DIFFERS   W1=1.00
        V5: void P1      4.00                -> APPROVED            W1=5.00
    """)


def test_voids_of_what_never_stood(play: Play) -> None:
    """What was declined, reversed, or reversed before it came can't be voided."""
    play("""
        W1: open 10.00
        P1: purchase W1 40.00      -> INSUFFICIENT_FUNDS           W1=10.00
        V1: void P1     40.00      -> RELATED_TRANSACTION_INVALID  W1=10.00
        P2: purchase W1  4.00      -> APPROVED                     W1=6.00
            reversal P2  4.00      -> APPROVED                     W1=10.00
        V2: void P2      4.00      -> RELATED_TRANSACTION_WRONG    W1=10.00
        R3: reversal P3  4.00      -> ORIGINAL_NOT_FOUND
        V3: void P3      4.00      -> ORIGINAL_NOT_FOUND
        V4: void P3      4.00 quoting=R3 -> ORIGINAL_NOT_FOUND
        P3: purchase W1  4.00      -> RELATED_TRANSACTION_WRONG    W1=10.00
    """)


def test_voids_that_do_not_fit(play: Play) -> None:
    """Another amount or card is refused and changes nothing; a void may state the right card, or none."""
    play("""
        W1: open 10.00
        W2: open 10.00
        P1: purchase W1  4.00                  -> APPROVED                 W1=6.00
        V1: void P1      3.99                  -> ORIGINAL_AMOUNT_DIFFERS  W1=6.00
        V1: void P1      3.99                  -> ORIGINAL_AMOUNT_DIFFERS again
        V2: void P1      4.00 card=W2          -> CARD_DIFFERS             W1=6.00  W2=10.00
        V3: void P1      4.00 card=stranger    -> CARD_DIFFERS             W1=6.00
        V4: void P1      3.99 card=W2          -> ORIGINAL_AMOUNT_DIFFERS  W1=6.00
        V5: void P1      4.00 card=W1          -> APPROVED                 W1=10.00
    """)


def test_refusals_that_came_with_a_void(play: Play) -> None:
    """What was refused on the way is remembered if it is final; the purchase stands and may be voided."""
    play("""
        W1: open 10.00
        P1: purchase W1  4.00                                      -> APPROVED   W1=6.00
        V1: void P1      4.00 refused=RELATED_TRANSACTION_INVALID  -> RELATED_TRANSACTION_INVALID
        V1: void P1      4.00                                      -> RELATED_TRANSACTION_INVALID again
        V2: void P1      4.00 refused=PIN_UNREADABLE               -> PIN_UNREADABLE
        V2: void P1      4.00                                      -> APPROVED   W1=10.00
    """)


def test_pin_of_a_void(play: Play) -> None:
    """A PIN that comes with a void counts like any; without one a blocked card's purchase can be voided."""
    play("""
        W1: open 10.00
        P1: purchase W1  1.00                  -> APPROVED            W1=9.00
        P2: purchase W1  2.00                  -> APPROVED            W1=7.00
        V1: void P1      1.00 card=W1 pin=bad  -> PIN_WRONG           W1=7.00 W1.tries=1 W1.count=2
        V1: void P1      1.00 card=W1 pin=bad  -> PIN_WRONG again     W1.tries=1
        V2: void P1      1.00 card=W1 pin=ok   -> APPROVED            W1=8.00 W1.tries=0 W1.count=1
        V3: void P2      2.00 card=W1 pin=bad  -> PIN_WRONG           W1.tries=1
        V4: void P2      1.00 card=W1 pin=bad  -> ORIGINAL_AMOUNT_DIFFERS  W1.tries=1
        V5: void P2      2.00 card=W1 pin=bad  -> PIN_WRONG           W1.tries=2
            purchase W1  1.00 pin=bad          -> PIN_WRONG           W1.tries=3
        V6: void P2      2.00 card=W1 pin=ok   -> PIN_TRIES_EXCEEDED  W1=8.00 W1.tries=3
        V7: void P2      2.00 card=W1          -> APPROVED            W1=10.00 W1.tries=3 W1.count=0
    """)


def test_reversal_of_a_void(play: Play) -> None:
    """The purchase stands again: its repeats get their answer, the void's are refused."""
    play("""
        W1: open 10.00
        P1: purchase W1  4.00              -> APPROVED        W1=6.00  W1.count=1  W1.spent=4.00
        V1: void P1      4.00              -> APPROVED        W1=10.00 W1.count=0  W1.spent=0.00
            reversal V1  4.00 of=P1        -> APPROVED        W1=6.00  W1.count=1  W1.spent=4.00
            reversal V1  4.00 of=P1        -> APPROVED again  W1=6.00
        R9: reversal V1  4.00 of=P1        -> APPROVED        W1=6.00  W1.count=1
        P1: purchase W1  4.00              -> APPROVED again  W1=6.00
        V1: void P1      4.00              -> RELATED_TRANSACTION_WRONG  W1=6.00
    """)


def test_void_reversals_that_do_not_fit(play: Play) -> None:
    """Another amount, card or purchase is refused and changes nothing; the right one still gets through."""
    play("""
        W1: open 10.00
        W2: open 10.00
        P1: purchase W1  4.00                  -> APPROVED                 W1=6.00
        P2: purchase W2  4.00                  -> APPROVED                 W2=6.00
        V1: void P1      4.00                  -> APPROVED                 W1=10.00
        V2: void P2      4.00                  -> APPROVED                 W2=10.00
            reversal V1  3.99 of=P1            -> ORIGINAL_AMOUNT_DIFFERS  W1=10.00
            reversal V1  4.00 of=P1 card=W2    -> CARD_DIFFERS             W1=10.00
            reversal V1  4.00 of=P2            -> ORIGINAL_NOT_FOUND       W1=10.00 W2=10.00
            reversal V1  4.00 of=P9            -> ORIGINAL_NOT_FOUND       W1=10.00
            reversal V1  4.00 of=P1 card=W1    -> APPROVED                 W1=6.00  W2=10.00
            reversal V1  3.99 of=P1            -> DUPLICATE_DIFFERS        W1=6.00
    """)


def test_reversal_of_a_void_that_took_nothing_back(play: Play) -> None:
    """A declined void has nothing to take back, and one that never came leaves a tombstone."""
    play("""
        W1: open 10.00
        P1: purchase W1  4.00              -> APPROVED                 W1=6.00
        V1: void P1      3.00              -> ORIGINAL_AMOUNT_DIFFERS  W1=6.00
            reversal V1  3.00 of=P1        -> APPROVED                 W1=6.00
        V1: void P1      3.00              -> ORIGINAL_AMOUNT_DIFFERS again
            reversal V2  4.00 of=P1        -> ORIGINAL_NOT_FOUND       W1=6.00
        V2: void P1      4.00              -> RELATED_TRANSACTION_WRONG  W1=6.00
        V2: void P1      4.00              -> RELATED_TRANSACTION_WRONG  W1=6.00
        V3: void P1      4.00              -> APPROVED                 W1=10.00
    """)


def test_reversal_of_a_void_whose_money_is_spent(play: Play) -> None:
    """The purchase stands again whatever the wallet holds: the cardholder owes what is not there."""
    play("""
        W1: open 10.00
        P1: purchase W1  4.00        -> APPROVED        W1=6.00
        V1: void P1      4.00        -> APPROVED        W1=10.00
            purchase W1  9.00        -> APPROVED        W1=1.00  W1.owes=0.00
            reversal V1  4.00 of=P1  -> APPROVED        W1=0.00  W1.owes=3.00  W1.count=2 W1.spent=13.00
            purchase W1  0.01        -> INSUFFICIENT_FUNDS  W1=0.00  W1.owes=3.00
        P1: purchase W1  4.00        -> APPROVED again
        V2: void P1      4.00        -> APPROVED        W1=1.00  W1.owes=0.00  W1.count=1 W1.spent=9.00
            purchase W1  1.00        -> APPROVED        W1=0.00
            reversal V2  4.00 of=P1  -> APPROVED        W1=0.00  W1.owes=4.00
            reversal P1  4.00        -> APPROVED        W1=0.00  W1.owes=0.00  W1.count=2 W1.spent=10.00
    """)


def test_restored_purchase_may_be_taken_back_again(play: Play) -> None:
    """After the reversal of its void a purchase may be voided again, and again, or reversed itself."""
    play("""
        W1: open 10.00
        P1: purchase W1  4.00              -> APPROVED        W1=6.00
        V1: void P1      4.00              -> APPROVED        W1=10.00
            reversal V1  4.00 of=P1        -> APPROVED        W1=6.00
        V2: void P1      4.00              -> APPROVED        W1=10.00
            reversal V1  4.00 of=P1        -> APPROVED again  W1=10.00
        V3: void P1      4.00              -> RELATED_TRANSACTION_WRONG  W1=10.00
        P1: purchase W1  4.00              -> RELATED_TRANSACTION_WRONG  W1=10.00
            reversal V2  4.00 of=P1        -> APPROVED        W1=6.00
            reversal P1  4.00              -> APPROVED        W1=10.00 W1.count=0 W1.spent=0.00
        V4: void P1      4.00              -> RELATED_TRANSACTION_WRONG  W1=10.00
        R9: reversal V2  4.00 of=P1        -> APPROVED        W1=10.00
    """)


def test_late_reversal_of_a_voided_purchase(play: Play) -> None:
    """It moves nothing, and the purchase stays taken back, even when its void is reversed after that."""
    play("""
        W1: open 10.00
        P1: purchase W1  4.00              -> APPROVED                 W1=6.00
        V1: void P1      4.00              -> APPROVED                 W1=10.00
            reversal P1  3.00              -> ORIGINAL_AMOUNT_DIFFERS  W1=10.00
            reversal P1  4.00              -> APPROVED                 W1=10.00 W1.count=0
            reversal P1  4.00              -> APPROVED again           W1=10.00
            reversal V1  3.00 of=P1        -> ORIGINAL_AMOUNT_DIFFERS  W1=10.00
            reversal V1  4.00 of=P1        -> APPROVED                 W1=10.00 W1.count=0
            reversal V1  4.00 of=P1        -> APPROVED again           W1=10.00
        V1: void P1      4.00              -> RELATED_TRANSACTION_WRONG  W1=10.00
        P1: purchase W1  4.00              -> RELATED_TRANSACTION_WRONG  W1=10.00
        V2: void P1      4.00              -> RELATED_TRANSACTION_WRONG  W1=10.00
    """)


def test_voids_without_end_are_refused(play: Play) -> None:
    """A purchase can be voided so many times, and no more; its own reversal still gets through."""
    times = CHANGES_MAX // 2 - 1
    rounds = "\n".join(
        f"V{number}: void P1 4.00 -> APPROVED W1=10.00\n reversal V{number} 4.00 of=P1 -> APPROVED W1=6.00"
        for number in range(times)
    )
    play(f"""
        W1: open 10.00
        P1: purchase W1 4.00 -> APPROVED
        {rounds}
        V{times}: void P1 4.00 -> RELATED_TRANSACTION_WRONG W1=6.00
        P1: purchase W1 4.00 -> APPROVED again
        reversal P1 4.00 -> APPROVED W1=10.00
        P1: purchase W1 4.00 -> RELATED_TRANSACTION_WRONG
    """)


def test_windows_over_days(play: Play) -> None:
    """Its share of a day's limits goes and comes with the purchase on that day only."""
    play("""
        W1: open 100.00
        P1: purchase W1 8.00           -> APPROVED  W1=92.00  W1.count=1 W1.spent=8.00
            tomorrow
        V1: void P1     8.00           -> APPROVED  W1=100.00 W1.count=0 W1.spent=0.00
            reversal V1 8.00 of=P1     -> APPROVED  W1=92.00  W1.count=1 W1.spent=8.00
            purchase W1 3.00           -> APPROVED  W1=89.00  W1.count=1 W1.spent=3.00
        V2: void P1     8.00           -> APPROVED  W1=97.00  W1.count=1 W1.spent=3.00
            tomorrow
            reversal V2 8.00 of=P1     -> APPROVED  W1=89.00  W1.count=1 W1.spent=3.00
    """)
