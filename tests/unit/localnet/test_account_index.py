from hypothesis import given
from hypothesis import strategies as st

from programs.localnet.accounts import AccountIndex, AccountState

ADDRESSES = [bytes([number]) * 32 for number in range(4)]
OWNERS = [bytes([number]) * 32 for number in range(100, 103)]
states = st.none() | st.builds(
    AccountState,
    lamports=st.integers(1, 9),
    owner=st.sampled_from(OWNERS),
    data=st.binary(max_size=3),
    executable=st.just(value=False),
    rent_epoch=st.just(0),
)


@given(writes=st.lists(st.tuples(st.sampled_from(ADDRESSES), states), max_size=30))
def test_the_index_by_owner_always_agrees_with_the_accounts(writes: list[tuple[bytes, AccountState | None]]):
    index, model = AccountIndex(), dict[bytes, AccountState]()

    for address, state in writes:
        index.put(address, state)
        if state is None:
            model.pop(address, None)
        else:
            model[address] = state

    assert dict(index.items()) == model
    assert index.total_lamports() == sum(state.lamports for state in model.values())
    for owner in OWNERS:
        assert index.owned_by(owner) == [(a, model[a]) for a in ADDRESSES if a in model and model[a].owner == owner]
    assert all(index.get(address) == model.get(address) for address in ADDRESSES)
