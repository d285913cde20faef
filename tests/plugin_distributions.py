"""Real, temporary distributions with plug-ins in them, and marlzoo in a process that finds them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HEADER = "from marlzoo import hookimpl\nfrom marlzoo.specs import *\nMARLZOO_API = 1\n"


def algorithms(*names: str) -> str:
    """The source of a plug-in module that offers algorithms of these names."""
    return HEADER + textwrap.dedent(
        f"""
        @hookimpl
        def marlzoo_algorithms():
            return [
                AlgorithmSpec(name, __name__ + ":Foo", __name__ + ":FooConfig", name + " from " + __name__)
                for name in {list(names)!r}
            ]
        """
    )


def hook(source: str) -> str:
    """The source of a plug-in module with one function, given without its decorator."""
    return f"{HEADER}\n@hookimpl\n{textwrap.dedent(source).strip()}\n"


def distribution(
    root: Path,
    name: str,
    modules: Mapping[str, str],
    *,
    version: str = "1.0",
    entry_points: str | None = None,
) -> Path:
    """Install `modules` (source by name) as a distribution in a folder of its own and return the folder.

    Every module is an entry point of its own name unless `entry_points` is given.
    """
    folder = root / f"site-{name}-{version}"
    information = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = "\n".join(f"{module} = {module}" for module in modules)
    (information / "entry_points.txt").write_text(entry_points or f"[marlzoo]\n{lines}\n")
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)
    return folder


def wheel(folder: Path) -> Path:
    """A distribution made by `distribution`, packed as a wheel for pip."""
    information = next(folder.glob("*.dist-info"))
    (information / "WHEEL").write_text("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = [path.relative_to(folder).as_posix() for path in files]
    record = f"{information.name}/RECORD"
    packed = folder.parent / f"{information.stem}-py3-none-any.whl"
    with zipfile.ZipFile(packed, "w") as archive:
        for path, name in zip(files, names, strict=True):
            archive.write(path, name)
        archive.writestr(record, "".join(f"{name},,\n" for name in [*names, record]))
    return packed


def marlzoo(
    *arguments: str, path: Sequence[Path] = (), environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process whose `sys.path` starts with the folders in `path`."""
    settings = {key: value for key, value in os.environ.items() if not key.startswith("MARLZOO_")}
    settings["PYTHONPATH"] = os.pathsep.join([*map(str, path), settings.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "marlzoo", *arguments],
        capture_output=True,
        text=True,
        env=settings | dict(environ or {}),
        check=False,
        timeout=600,
    )


def marlzoo_json(*arguments: str, path: Sequence[Path] = (), environ: Mapping[str, str] | None = None) -> Any:
    """What `marlzoo ... --json` prints."""
    done = marlzoo(*arguments, "--json", path=path, environ=environ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
