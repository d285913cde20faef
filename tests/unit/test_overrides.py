"""Reading `key=value` by the type of the field, and one-line errors."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, model_validator

from marlzoo.errors import PluginError, UsageError
from marlzoo.overrides import Setting, build, flat_keys, read_value, setting_from_text


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    width: int = Field(64, ge=1)
    names: tuple[str, ...] = ()


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    count: int = Field(3, ge=1, le=10_000_000)
    rate: float = Field(0.1, gt=0, le=1)
    norm: float | None = Field(10.0, gt=0)
    flag: bool = False
    name: str = "x"
    kind: Literal["full", "none", "2"] = "full"
    sizes: tuple[int, ...] = (64, 64)
    rates: list[float] = []
    words: list[str] = []
    mixed: int | str = 1
    folder: Path = Path(".")
    table: dict[str, float] = {}
    inner: Inner = Inner()

    @model_validator(mode="after")
    def _sizes_fit(self) -> Model:
        if self.flag and self.count == 7:
            raise ValueError("count must not be 7 with flag")
        return self


def apply(*texts: str) -> Model:
    return build(Model, [setting_from_text(Model, text, "-o", "option -o") for text in texts])[0]


READINGS = [
    ("count=5", "count", 5),
    ("count=5_000", "count", 5000),
    ("count=1e6", "count", 1_000_000),
    ("count=12.0", "count", 12),
    ("rate=1e-4", "rate", 1e-4),
    ("rate=1", "rate", 1.0),
    ("rate=.5", "rate", 0.5),
    ("norm=none", "norm", None),
    ("norm=null", "norm", None),
    ("norm=3", "norm", 3.0),
    ("flag=true", "flag", True),
    ("flag=False", "flag", False),
    ("flag=on", "flag", True),
    ("name=5", "name", "5"),
    ("name=true", "name", "true"),
    ("name=", "name", ""),
    ("name=a=b,c", "name", "a=b,c"),
    ("kind=none", "kind", "none"),
    ("kind=2", "kind", "2"),
    ("sizes=64,32", "sizes", (64, 32)),
    ("sizes=[64, 32]", "sizes", (64, 32)),
    ("sizes=(64,32)", "sizes", (64, 32)),
    ("sizes=1e3,5", "sizes", (1000, 5)),
    ("sizes=64", "sizes", (64,)),
    ("sizes=[]", "sizes", ()),
    ("rates=1,2e-3", "rates", [1.0, 0.002]),
    ('words=["a", "b c"]', "words", ["a", "b c"]),
    ("words=a,1,true", "words", ["a", "1", "true"]),
    ("mixed=5", "mixed", 5),
    ("mixed=five", "mixed", "five"),
    ("folder=/some/where", "folder", Path("/some/where")),
    ('table={"a": 1}', "table", {"a": 1.0}),
    (" count = 5 ", "count", 5),
]


@pytest.mark.parametrize(("text", "key", "expected"), READINGS)
def test_reading(text, key, expected):
    value = getattr(apply(text), key)
    assert value == expected
    assert type(value) is type(expected)


@given(st.integers(1, 10_000_000))
def test_every_integer_is_read_back(number):
    assert apply(f"count={number}").count == apply(f"count={number:_}").count == number


@given(st.floats(min_value=0, max_value=1, exclude_min=True, allow_nan=False))
def test_every_float_is_read_back(number):
    assert apply(f"rate={number!r}").rate == number


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_every_list_of_floats_is_read_back(numbers):
    assert apply(f"rates={numbers}").rates == numbers


@given(st.text().filter(lambda text: text == text.strip()))
def test_a_text_field_takes_any_text_as_it_is(text):
    assert apply(f"name={text}").name == text


@given(st.text(), st.sampled_from(sorted(Model.model_fields)))
def test_no_text_raises_anything_but_a_usage_error(text, key):
    with contextlib.suppress(UsageError):
        assert isinstance(apply(f"{key}={text}"), Model)


ERRORS = [
    ("rate=3", "rate: 3 is not less than or equal to 1 (from -o rate=3)"),
    ("rate=0", "rate: 0 is not greater than 0 (from -o rate=0)"),
    ("rate=nan", "rate: nan is not a finite number (from -o rate=nan)"),
    ("norm=inf", "norm: inf is not a finite number (from -o norm=inf)"),
    ("count=1.5", "count: '1.5' is not a valid integer (from -o count=1.5)"),
    ("count=many", "count: 'many' is not a valid integer (from -o count=many)"),
    ("count=true", "count: 'true' is not a valid integer (from -o count=true)"),
    ("flag=perhaps", "flag: 'perhaps' is not a valid boolean (from -o flag=perhaps)"),
    ("kind=ful", "kind: 'ful' is not 'full', 'none' or '2' (from -o kind=ful)"),
    ("cuont=3", "unknown key 'cuont' (from -o cuont=3); did you mean 'count'?"),
    ("count", "cannot read '-o count'; expected key=value"),
    ("=3", "cannot read '-o =3'; expected key=value"),
    ("inner.width=0", "inner.width: 0 is not greater than or equal to 1 (from -o inner.width=0)"),
    ("inner.wdth=1", "unknown key 'wdth' (from -o inner.wdth=1); did you mean 'width'?"),
    ("inner=1", "key 'inner' is a group (from -o inner=1); known parts: width, names"),
    ("count.x=1", "key 'count' has no parts; 'count.x' cannot be set (from -o count.x=1)"),
]


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_errors_are_one_line_and_name_the_setting(text, message):
    with pytest.raises(UsageError) as caught:
        apply(text)
    assert str(caught.value) == message


def test_an_error_of_the_whole_model_names_all_settings():
    with pytest.raises(UsageError) as caught:
        apply("count=7", "flag=true")
    assert str(caught.value) == "count must not be 7 with flag (from -o count=7, -o flag=true)"


def test_a_missing_value_is_named():
    class Strict(BaseModel):
        needed: int

    with pytest.raises(UsageError, match=r"^needed: field required$"):
        build(Strict, [])


def test_the_last_setting_wins_and_origins_say_so():
    settings = [
        Setting("count", 4, "preset smac", "preset"),
        Setting("inner.width", 8, "preset smac", "preset"),
        setting_from_text(Model, "count=5", "-o", "option -o"),
    ]
    model, origins = build(Model, settings)
    assert (model.count, model.inner.width) == (5, 8)
    assert origins["count"] == "option -o"
    assert origins["inner.width"] == "preset smac"
    assert origins["inner.names"] == origins["rate"] == "default"
    assert list(origins) == list(flat_keys(Model))


def test_a_setting_raises_its_own_kind_of_error():
    with pytest.raises(PluginError, match=r"^count: 0 is not greater than or equal to 1 \(from preset x\)$"):
        build(Model, [Setting("count", 0, "preset x", "preset x", PluginError)])


def test_a_value_out_of_range_still_has_its_type():
    assert read_value(Annotated[int, Field(ge=1)] | None, "0") == 0
    assert read_value(Any, "5") == 5
