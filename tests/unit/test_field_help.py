"""What `marlzoo show` says about a setting."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from marlzoo.field_help import FieldHelp, describe_fields


class Inner(BaseModel):
    width: int = Field(64, ge=1, description="How wide.")


class Model(BaseModel):
    needed: int
    count: int = Field(1, ge=1, le=4096)
    rate: float = Field(0.1, gt=0, le=1)
    share: float = Field(0.1, ge=0, lt=1)
    free: float = 0.0
    norm: float | None = Field(None, gt=0)
    flag: bool = False
    kind: Literal["a", "b"] = "a"
    kind_or_none: Literal["a", 2] | None = None
    sizes: tuple[int, ...] = (1, 2)
    pair: tuple[int, str] = (1, "x")
    names: list[str] = Field(default_factory=lambda: ["x"])
    nested_bound: Annotated[int, Field(ge=2)] | None = None
    inner: Inner = Inner()


ALLOWED = {
    "needed": "integer",
    "count": "integer 1 to 4096",
    "rate": "number > 0 and <= 1",
    "share": "number >= 0 and < 1",
    "free": "number",
    "norm": "number > 0 or none",
    "flag": "true or false",
    "kind": "a, b",
    "kind_or_none": "a, 2 or none",
    "sizes": "list of integer",
    "pair": "list of integer and text",
    "names": "list of text",
    "nested_bound": "integer >= 2 or none",
    "inner.width": "integer >= 1",
}


@pytest.mark.parametrize("key", ALLOWED)
def test_allowed_values_in_words(key):
    described = {field.key: field for field in describe_fields(Model)}
    assert described[key].allowed == ALLOWED[key]


def test_every_field_is_described_in_order():
    described = describe_fields(Model)
    assert [field.key for field in described] == list(ALLOWED)
    assert described[-1] == FieldHelp("inner.width", 64, False, "integer >= 1", "How wide.")
    assert described[0] == FieldHelp("needed", None, True, "integer", "")
    assert next(field.default for field in described if field.key == "names") == ["x"]
