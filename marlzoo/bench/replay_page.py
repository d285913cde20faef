"""A replay as one page: markup, style, script and data in a single file that asks no network for anything."""

from __future__ import annotations

import base64
import html
import io
import json
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlzoo.bench.replay import Episode, Replay
from marlzoo.bench.replay_film import image_library
from marlzoo.bench.replay_tracks import Film, Track
from marlzoo.run.files import replace_file, reported
from marlzoo.specs import Score

_JPEG_QUALITY = 70
_LONGEST_SIDE = 400
"""Of pictures, in pixels: at 480 a long episode takes twice the space."""
_TYPES = {"f": ("f4", np.float32), "i": ("i4", np.int32), "u": ("u1", np.uint8), "b": ("u1", np.uint8)}
"""How arrays are packed, by kind."""


def write_page(replay: Replay, path: Path) -> None:
    """Write the page of `replay`.

    Raises:
        MissingPieceError: it shows pictures and Pillow is not installed.
        RunError: the file cannot be written.
    """
    data = replay_html(replay).encode()
    with reported(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)


def replay_html(replay: Replay) -> str:
    """The page as text. The same replay gives the same bytes."""
    title = f"{replay.algorithm} on {replay.environment}"
    subtitle = (
        f"Policy of step {replay.policy_step:,}, trained with seed {replay.run_seed}; {replay.backend}; "
        f"greedy play, seed {replay.seed}."
    )
    data = json.dumps({"episodes": [_episode(one, replay.score) for one in replay.episodes]})
    return Template(_asset("player.html")).substitute(
        title=html.escape(title),
        subtitle=html.escape(subtitle),
        style=_asset("player.css"),
        script=_asset("player.js"),
        # Inside a script element only this could end it.
        data=data.replace("<", "\\u003c"),
    )


def _asset(name: str) -> str:
    return (resources.files("marlzoo.bench") / "player" / name).read_text(encoding="utf-8").strip()


def _episode(episode: Episode, score: Score) -> dict[str, Any]:
    weights = episode.attention
    shown = episode.shown
    return {
        "steps": episode.steps,
        "outcome": outcome(episode, score),
        "agents": list(episode.agents),
        "actions": pack(episode.actions),
        "rewards": pack(episode.rewards),
        "values": pack(episode.values),
        "attention": None if weights is None else pack(np.rint(weights * 255).astype(np.uint8)),
        "attention_name": episode.attention_name,
        "track": _track(shown) if isinstance(shown, Track) else None,
        "film": _film(shown) if isinstance(shown, Film) else None,
    }


def outcome(episode: Episode, score: Score) -> str:
    """How an episode ended, in a few words: its score, and whether time ran out."""
    value = {"return": episode.mean_return, **episode.metrics}.get(score.metric, episode.mean_return)
    shown = f"{100 * value:.3g} %" if score.percent else f"{value:.4g}"
    ended = "out of time" if episode.truncated else f"{episode.steps} steps"
    return f"{score.name.replace('_', ' ')} {shown}, {ended}"


def _track(track: Track) -> dict[str, Any]:
    scene = track.scene
    return {
        "stage": _rounded(track.stage),
        "walls": [[_rounded(corner) for corner in polygon] for polygon in scene.walls],
        "actions": list(scene.actions),
        "step_seconds": scene.step_seconds,
        "bodies": {
            "names": [body.name for body in scene.bodies],
            "kinds": [body.kind for body in scene.bodies],
            "teams": [body.team for body in scene.bodies],
            "radius": _rounded(body.radius for body in scene.bodies),
            "reach": _rounded(body.reach for body in scene.bodies),
        },
        "gauges": [
            {"name": name, "largest": _rounded(scene.gauges[name]), "values": pack(values)}
            for name, values in track.gauges.items()
        ],
        "marks": [{"name": name, "values": pack(values)} for name, values in track.marks.items()],
        **{
            name: pack(getattr(track, name))
            for name in ("x", "y", "alive", "heading", "target", "goal_x", "goal_y")
        },
    }


def _film(film: Film) -> dict[str, Any]:
    height, width = film.pictures.shape[1:3]
    return {
        "size": [width, height],
        "steps": film.steps.tolist(),
        "pictures": [_jpeg(picture) for picture in film.pictures],
    }


def _jpeg(picture: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    image = image_library().fromarray(picture)
    image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def pack(array: NDArray[Any] | None) -> dict[str, Any] | None:
    """An array as the player reads it: its type, its shape, and its little-endian bytes in base64."""
    if array is None:
        return None
    name, dtype = _TYPES[array.dtype.kind]
    data = np.ascontiguousarray(array, np.dtype(dtype).newbyteorder("<"))
    return {"type": name, "shape": list(array.shape), "data": base64.b64encode(data.tobytes()).decode()}


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 4) for value in values]
