"""A replay as a film: GIF by Pillow, MP4 by imageio and ffmpeg. Needs the extra `video`."""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlzoo.bench.replay import Episode, Replay
from marlzoo.bench.replay_tracks import Film, Track
from marlzoo.envs.drawing import Polygon
from marlzoo.errors import MissingPieceError
from marlzoo.run.files import replace_file, reported

SECONDS = 15.0
"""How long an episode lasts on film, unless it would be slower than `SLOWEST` or faster than `FASTEST`."""
SLOWEST, FASTEST = 4.0, 30.0
"""Pictures per second."""
_SIDE = 640
_PAPER, _WALL, _INK = (238, 240, 243), (195, 199, 207), (28, 29, 33)
_TEAMS = ((0, 114, 178), (213, 94, 0), (122, 125, 133))
_GOOD, _SHIELD, _WARN, _TRACK = (0, 127, 95), (86, 180, 233), (194, 24, 91), (217, 219, 224)


def image_library() -> Any:
    """Pillow's `Image` module. Raises `MissingPieceError` where it is not installed."""
    return _library("PIL.Image", "Pillow")


def write_film(replay: Replay, path: Path) -> None:
    """Write the episodes of `replay`, one after another, as `.gif` or `.mp4`.

    Raises:
        MissingPieceError: what makes such films is not installed.
        RunError: the file cannot be written.
    """
    pictures = [picture for episode in replay.episodes for picture in frames(episode)]
    longest = max(episode.steps for episode in replay.episodes)
    rate = min(FASTEST, max(SLOWEST, longest / SECONDS))
    data = _gif(pictures, rate) if path.suffix.lower() == ".gif" else _mp4(pictures, rate)
    with reported(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)


def frames(episode: Episode) -> Iterator[NDArray[np.uint8]]:
    """The pictures `[H, W, 3]` of an episode, drawn where its environment did not take any."""
    shown = episode.shown
    if isinstance(shown, Film):
        yield from shown.pictures
        return
    canvas = _Canvas(shown)
    for step in range(episode.steps + 1):
        yield canvas.draw(step)


def _gif(pictures: list[NDArray[np.uint8]], rate: float) -> bytes:
    library = image_library()
    first, *others = [library.fromarray(picture) for picture in pictures]
    buffer = io.BytesIO()
    options = {"save_all": True, "append_images": others, "duration": round(1000 / rate), "loop": 0}
    first.save(buffer, "GIF", **options)
    return buffer.getvalue()


def _mp4(pictures: list[NDArray[np.uint8]], rate: float) -> bytes:
    writer = _library("imageio.v3", "imageio")
    _library("imageio_ffmpeg", "imageio-ffmpeg")
    # H.264 wants even sides.
    height, width = (side - side % 2 for side in pictures[0].shape[:2])
    even = np.stack([picture[:height, :width] for picture in pictures])
    options = {"extension": ".mp4", "plugin": "FFMPEG", "fps": rate, "macro_block_size": 2}
    data: bytes = writer.imwrite("<bytes>", even, **options)
    return data


def _library(module: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPieceError(
            f"films and pictures need {name}; install it with: pip install 'marlzoo[video]'"
        ) from error


class _Canvas:
    """Draws the moments of a track."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._library = image_library()
        self._pen = _library("PIL.ImageDraw", "Pillow")
        left, bottom, right, top = track.stage
        self._scale = _SIDE / max(right - left, top - bottom)
        self._left, self._top = left, top
        self._size = (_even((right - left) * self._scale), _even((top - bottom) * self._scale))
        self._ground = self._library.new("RGB", self._size, _PAPER)
        pen = self._pen.Draw(self._ground)
        for polygon in track.scene.walls:
            pen.polygon(self._polygon(polygon), fill=_WALL)

    def draw(self, step: int) -> NDArray[np.uint8]:
        image = self._ground.copy()
        pen = self._pen.Draw(image)
        for body in range(len(self._track.scene.bodies)):
            self._draw_aim(pen, step, body)
        for body in range(len(self._track.scene.bodies)):
            self._draw_body(pen, step, body)
        pen.text((8, 6), f"step {step}", fill=_INK)
        return np.asarray(image)

    def _draw_aim(self, pen: Any, step: int, body: int) -> None:
        """The line to whom the body is after, and the goal that it is bound for."""
        track, colour = self._track, _TEAMS[self._track.scene.bodies[body].team]
        if track.target is not None and track.target[step, body] >= 0:
            pen.line([self._place(step, body), self._place(step, track.target[step, body])], fill=colour)
        if track.goal_x is not None and track.goal_y is not None and not np.isnan(track.goal_x[step, body]):
            x, y = self._point(track.goal_x[step, body], track.goal_y[step, body])
            pen.rectangle([x - 3, y - 3, x + 3, y + 3], outline=colour)

    def _draw_body(self, pen: Any, step: int, body: int) -> None:
        track, constant = self._track, self._track.scene.bodies[body]
        (x, y), colour = self._place(step, body), _TEAMS[constant.team]
        if not track.alive[step, body]:
            pen.line([x - 3, y - 3, x + 3, y + 3], fill=colour)
            pen.line([x - 3, y + 3, x + 3, y - 3], fill=colour)
            return
        r = max(2.5, constant.radius * self._scale)
        pen.ellipse(_box(x, y, r), fill=_GOOD if self._is("arrived", step, body) else colour)
        self._draw_arc(pen, step, body, _box(x, y, r + 3), "health", _GOOD)
        self._draw_arc(pen, step, body, _box(x, y, r + 6), "shield", _SHIELD)
        if self._is("contact", step, body):
            pen.ellipse(_box(x, y, r + 4), outline=_WARN, width=2)
        if track.heading is not None and not np.isnan(track.heading[step, body]):
            angle = track.heading[step, body]
            pen.line([x, y, x + 1.6 * r * np.cos(angle), y - 1.6 * r * np.sin(angle)], fill=_INK)

    def _draw_arc(
        self, pen: Any, step: int, body: int, box: list[float], name: str, colour: tuple[int, int, int]
    ) -> None:
        largest = self._track.scene.gauges.get(name)
        if largest is None or largest[body] <= 0:
            return
        share = min(1.0, float(self._track.gauges[name][step, body] / largest[body]))
        pen.arc(box, 0, 360, fill=_TRACK, width=2)
        pen.arc(box, -90, -90 + 360 * share, fill=colour, width=2)

    def _is(self, mark: str, step: int, body: int) -> bool:
        values = self._track.marks.get(mark)
        return values is not None and bool(values[step, body])

    def _place(self, step: int, body: int) -> tuple[float, float]:
        return self._point(self._track.x[step, body], self._track.y[step, body])

    def _polygon(self, polygon: Polygon) -> list[tuple[float, float]]:
        return [self._point(x, y) for x, y in polygon]

    def _point(self, x: float, y: float) -> tuple[float, float]:
        return (float(x) - self._left) * self._scale, (self._top - float(y)) * self._scale


def _box(x: float, y: float, r: float) -> list[float]:
    return [x - r, y - r, x + r, y + r]


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))
