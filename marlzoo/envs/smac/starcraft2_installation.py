"""Whether the real game and oxwhirl's `smac` package are here, and what to do if not."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
from pathlib import Path

from marlzoo.errors import MissingPieceError
from marlzoo.guide import guide_page

GUIDE = f"see {guide_page('starcraft2')}"
PYSC2 = "pysc2"
INSTALL = "install the checkout of github.com/oxwhirl/smac with pip"


def check_installation(map_name: str) -> None:
    """Look for everything that a game on `map_name` needs, without importing any of it.

    Raises:
        MissingPieceError: what is missing and how to get it. AutoML's package of the same name is recognised.
    """
    _check_package()
    if importlib.util.find_spec(PYSC2) is None:
        raise MissingPieceError(
            f"backend=starcraft2 needs the package pysc2: pip install 'marlzoo[starcraft2]'; {GUIDE}"
        )
    _check_game(map_name)


def _check_package() -> None:
    spec = importlib.util.find_spec("smac")
    if spec is None:
        raise MissingPieceError(f"backend=starcraft2 needs oxwhirl's package smac: {INSTALL}; {GUIDE}")
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    if any((place / "env" / "__init__.py").exists() for place in places):
        return
    raise MissingPieceError(
        f"the installed package smac{_installed_version()} is AutoML's SMAC3, not the StarCraft Multi-Agent "
        f"Challenge of the same name: pip uninstall smac, then {INSTALL}; {GUIDE}"
    )


def _installed_version() -> str:
    try:
        return f" {importlib.metadata.version('smac')}"
    except importlib.metadata.PackageNotFoundError:
        return ""


def _check_game(map_name: str) -> None:
    game = game_folder()
    if not game.is_dir():
        raise MissingPieceError(
            f"StarCraft II is not at {game}: install it and set SC2PATH to its folder; {GUIDE}"
        )
    maps = game / "Maps"
    if not any(maps.rglob(f"{map_name}.SC2Map")):
        raise MissingPieceError(f"{maps} has no {map_name}.SC2Map: copy SMAC_Maps there; {GUIDE}")


def game_folder() -> Path:
    """Where the game is looked for: `SC2PATH`, or the usual place of the platform."""
    usual = {
        "darwin": "/Applications/StarCraft II",
        "win32": "C:/Program Files (x86)/StarCraft II",
    }.get(sys.platform, "~/StarCraftII")
    return Path(os.environ.get("SC2PATH") or usual).expanduser()
