from core.domain.verdicts import IS_FINAL, Reason, Verdict, is_final

PROTOCOL = (
    "malformed, unknown_meter, meter_not_active, owner_not_verified, wallet_invalid, wallet_mismatch, bad_signature, "
    "wrong_network, wrong_kind, stale, future, repeated_window, too_frequent, sequence_conflict, register_backwards, "
    "zero_energy, over_limit, over_capacity, implausible, held, rate_limited"
)


def test_the_list_of_reasons_is_the_protocols_and_each_has_its_meaning():
    assert [reason.value for reason in Reason] == PROTOCOL.split(", ")
    assert set(IS_FINAL) == set(Reason)


def test_a_quarantine_is_never_final_and_an_acceptance_always_is():
    assert all(not is_final(Verdict.QUARANTINED, reason) for reason in Reason)
    assert is_final(Verdict.ACCEPTED, None)
    assert is_final(Verdict.REPEATED, None)


def test_a_tampered_copy_does_not_make_a_device_drop_the_genuine_one():
    assert not is_final(Verdict.REJECTED, Reason.BAD_SIGNATURE)
    assert is_final(Verdict.REJECTED, Reason.OVER_LIMIT)
