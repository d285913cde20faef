"""The version of the embedded SMAC-compatible engine. It changes whenever a rule or a number does, so that
results of different engines are never taken for each other."""

from __future__ import annotations

ENGINE_VERSION = "1.2.0"
