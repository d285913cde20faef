"""Kernels are known by everything they are made of."""

from __future__ import annotations

from pathlib import Path

from marlzoo.kernel_sources import source_digest


def test_a_change_in_any_source_changes_the_digest(tmp_path: Path) -> None:
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("RADIUS = 1")
    other.write_text("TIMES = 2")
    before = source_digest([one, other])
    assert before == source_digest([other, one])
    other.write_text("TIMES = 3")
    assert source_digest([one, other]) != before


def test_kernels_of_several_files_are_named_after_all_of_them() -> None:
    from marlzoo.envs.dubins.step import step_all
    from marlzoo.envs.smac.step_kernel import begin_battles
    from marlzoo.nets.decode_numba import decode_group

    for kernel in (step_all, begin_battles, decode_group):
        name, digest = kernel.py_func.__qualname__.split("-")  # type: ignore[attr-defined]
        assert name == kernel.py_func.__name__  # type: ignore[attr-defined]
        assert len(digest) == 12
