"""DubinsCar: unicycle cars that have to reach their goals without touching. See docs/dubins.md.

Three functions let anybody check the physics: `step_states`, `nominal_controller` and `flags`. They are
imported when first asked for, because listing environments must not import Numba.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marlzoo.envs.dubins.dynamics import nominal_controller, step_states
    from marlzoo.envs.dubins.state_flags import Flags, flags

__all__ = ["Flags", "flags", "nominal_controller", "step_states"]

_HOMES = {
    "Flags": "state_flags",
    "flags": "state_flags",
    "nominal_controller": "dynamics",
    "step_states": "dynamics",
}


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
