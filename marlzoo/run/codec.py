"""Between what a run holds in memory and what a checkpoint file may hold.

Checkpoints are loaded with `weights_only=True`, which accepts tensors and plain Python values. NumPy arrays
and tuples therefore travel as tagged tuples; since every tuple in an encoded tree is one of ours, nothing a
plug-in stores can be mistaken for a tag.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from marlzoo.errors import PluginError

_TUPLE = "tuple"
_ARRAY = "array"
_SCALAR = "scalar"


def encode(tree: Any, where: str = "state") -> Any:
    """Turn a tree of tensors, arrays, numbers, strings, tuples, lists and dicts into a safely loadable one.

    Tensors are copied, so the result does not change when training goes on.

    Raises:
        PluginError: the tree holds something else; the message names the place.
    """
    if isinstance(tree, Tensor):
        return tree.detach().clone()
    if tree is None or type(tree) in (bool, int, float, str):
        return tree
    if isinstance(tree, np.ndarray | np.generic):
        return _encode_array(tree, where)
    if isinstance(tree, dict):
        return {_key(key, where): encode(value, f"{where}.{key}") for key, value in tree.items()}
    if type(tree) is list:
        return [encode(value, f"{where}[{i}]") for i, value in enumerate(tree)]
    if type(tree) is tuple:
        return (_TUPLE, [encode(value, f"{where}[{i}]") for i, value in enumerate(tree)])
    raise PluginError(
        f"{where} is a {type(tree).__name__}, which a checkpoint cannot hold; "
        "use tensors, arrays, numbers, strings, and tuples, lists and dicts of them"
    )


def freeze(tree: Any, where: str = "state") -> Any:
    """A deep copy of a tree that `encode` accepts."""
    return decode(encode(tree, where))


def decode(tree: Any) -> Any:
    """The inverse of `encode`."""
    if isinstance(tree, dict):
        return {key: decode(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [decode(value) for value in tree]
    if isinstance(tree, tuple):
        return _decode_tagged(tree)
    return tree


def _key(key: Any, where: str) -> str | int:
    if isinstance(key, str | int):
        return key
    raise PluginError(f"{where} has the key {key!r}; checkpoints hold dicts with string or integer keys only")


def _encode_array(array: np.ndarray | np.generic, where: str) -> Any:
    dense = np.array(array, order="C")
    if dense.dtype.hasobject:
        raise PluginError(f"{where} is an array of Python objects, which a checkpoint cannot hold")
    data = torch.frombuffer(bytearray(dense.tobytes()), dtype=torch.uint8) if dense.size else torch.empty(0)
    tag = _ARRAY if isinstance(array, np.ndarray) else _SCALAR
    return (tag, np.lib.format.dtype_to_descr(dense.dtype), list(dense.shape), data)


def _decode_tagged(tagged: tuple[Any, ...]) -> Any:
    if tagged[0] == _TUPLE:
        return tuple(decode(value) for value in tagged[1])
    tag, description, shape, data = tagged
    flat = np.frombuffer(data.numpy().tobytes(), dtype=np.lib.format.descr_to_dtype(description))
    array = flat.reshape(shape).copy()
    return array if tag == _ARRAY else array[()]
