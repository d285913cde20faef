"""A plug-in for tests: an observer that writes down everything that it is given or can look up by default."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from marlzoo import hookimpl

MARLZOO_API = 1


@hookimpl
def marlzoo_run_started(run: Any) -> None:
    seen = {"run": repr(run), "arguments": sys.argv, "environment": dict(os.environ), "folder": os.getcwd()}
    (run.path / "seen.json").write_text(json.dumps(seen))
