"""The garbage collector waits for the compiler."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from numba.core import event

from marlzoo.kernel_collector import hold_collector_while_compiling


@pytest.fixture(autouse=True)
def collector_on_afterwards() -> Iterator[None]:
    hold_collector_while_compiling()
    hold_collector_while_compiling()
    yield
    gc.enable()


def test_garbage_collection_waits_for_the_outermost_compilation() -> None:
    gc.enable()
    with event.trigger_event("numba:compile"):
        assert not gc.isenabled()
        with event.trigger_event("numba:compile"):
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_garbage_collection_works_again_after_a_compilation_that_failed() -> None:
    gc.enable()
    with pytest.raises(ValueError, match="does not compile"), event.trigger_event("numba:compile"):
        raise ValueError("does not compile")
    assert gc.isenabled()


def test_garbage_collection_stays_off_where_the_caller_turned_it_off() -> None:
    gc.disable()
    with event.trigger_event("numba:compile"):
        pass
    assert not gc.isenabled()
