"""What a checkpoint can hold comes back as it was; anything else is refused by name."""

from __future__ import annotations

import io
from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from marlzoo.errors import PluginError
from marlzoo.run.codec import decode, encode, freeze

Pair = namedtuple("Pair", "left right")

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    hnp.arrays(
        st.one_of(
            hnp.integer_dtypes(), hnp.floating_dtypes(), hnp.boolean_dtypes(), hnp.unicode_string_dtypes()
        ),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    ),
    hnp.arrays(np.float32, 4).map(torch.from_numpy),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=3), st.integers(0, 9)), inner, max_size=3),
    ),
    max_leaves=8,
)


def assert_same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert torch.equal(one.nan_to_num(7.0), other.nan_to_num(7.0))
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    else:
        assert one == other


@given(trees)
def test_any_tree_survives_a_file_that_is_loaded_safely(tree: Any) -> None:
    buffer = io.BytesIO()
    torch.save(encode(tree), buffer)
    buffer.seek(0)
    assert_same(decode(torch.load(buffer, weights_only=True)), tree)


def test_states_of_random_generators_and_structured_arrays_survive() -> None:
    tree = {
        "rng": np.random.Generator(np.random.PCG64(5)).bit_generator.state,
        "units": np.zeros(3, dtype=[("hp", "<f4"), ("kind", "<i2", (2,))]),
        "scalar": np.float32(0.1),
        "flag": np.bool_(True),
    }
    assert_same(freeze(tree), tree)


def test_an_ordered_dict_becomes_a_dict_and_tensors_are_copies() -> None:
    weight = torch.ones(3, requires_grad=True)
    frozen = freeze(OrderedDict(weight=weight))
    with torch.no_grad():
        weight += 1
    assert type(frozen) is dict
    assert frozen["weight"].tolist() == [1, 1, 1]
    assert not frozen["weight"].requires_grad


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [0, {"b": {1, 2}}]}, r"state\.a\[1\]\.b is a set"),
        ((Pair(1, 2),), r"state\[0\] is a Pair"),
        ({("a",): 1}, "string or integer keys"),
        ([np.array([object()])], r"state\[0\] is an array of Python objects"),
        (lambda: None, "state is a function"),
    ],
)
def test_what_cannot_be_held_is_refused_with_its_place(value: Any, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        encode(value)
