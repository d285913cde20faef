"""The SMAC-compatible environment family."""
