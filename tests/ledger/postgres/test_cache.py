"""The bounded memory of wallets."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from ledger.postgres.cache import WalletCache
from ledger.wallet import WalletState, encode_state, with_cash

STEPS = st.lists(st.tuples(st.sampled_from(["get", "put", "drop"]), st.integers(1, 6), st.integers(1, 9)))


@given(STEPS, st.integers(1, 4))
def test_least_recently_used_go_first(steps: list[tuple[str, int, int]], limit: int) -> None:
    """Whatever is done, the cache holds what an ordered dictionary with the same rule holds.

    The rule: once more than half of the places are taken, whatever is used comes last.
    """
    cache, model = WalletCache(limit), OrderedDict[int, tuple[int, WalletState]]()
    for step, wallet_id, version in steps:
        used_comes_last = len(model) > limit // 2
        if step == "put":
            cache.put(wallet_id, version, encode_state(with_cash(version)))
            model[wallet_id] = (version, with_cash(version))
            if used_comes_last:
                model.move_to_end(wallet_id)
            if len(model) > limit:
                model.popitem(last=False)
        elif step == "drop":
            cache.drop(wallet_id)
            model.pop(wallet_id, None)
        else:
            if wallet_id in model and used_comes_last:
                model.move_to_end(wallet_id)
            assert model.get(wallet_id) == cache.get(wallet_id)

        assert len(model) == len(cache)
    assert all(model[wallet_id] == cache.get(wallet_id) for wallet_id in list(model))
