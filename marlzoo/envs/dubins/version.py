"""The version of the DubinsCar environment: raised whenever the same seed and actions give other numbers."""

from __future__ import annotations

VERSION = "1"
