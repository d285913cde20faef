"""The version of this adapter. It changes whenever an observation, a reward or a reset does, so that results
of different adapters are never taken for each other."""

from __future__ import annotations

ADAPTER_VERSION = "1.0.0"
