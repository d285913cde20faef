"""marlzoo: a plug-in zoo of cooperative multi-agent reinforcement learning algorithms."""

import pluggy

from marlzoo.version import __version__

hookimpl = pluggy.HookimplMarker("marlzoo")
"""Marks a function of a plug-in module as a marlzoo hook."""

__all__ = ["__version__", "hookimpl"]
