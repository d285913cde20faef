"""From the name that an author gives to those of the distribution, the module and the class."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

from marlzoo.errors import UsageError

_SOUND = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*")
LONGEST = 24
"""Letters of a name, so that the lines of the templates stay within theirs."""


@dataclass(frozen=True)
class PluginName:
    """All names of a plug-in; `parts` are the words of the given one."""

    parts: tuple[str, ...]

    @property
    def algorithm(self) -> str:
        """What stands after `marlzoo run`."""
        return "_".join(self.parts)

    @property
    def distribution(self) -> str:
        return "-".join(("marlzoo", *self.parts))

    @property
    def module(self) -> str:
        return "_".join(("marlzoo", *self.parts))

    @property
    def cls(self) -> str:
        return "".join(part.capitalize() for part in self.parts)


def plugin_name(text: str) -> PluginName:
    """Read the name of a plug-in.

    Raises:
        UsageError: it cannot be that of a module and a class.
    """
    bare = text.removeprefix("marlzoo-").removeprefix("marlzoo_")
    if bare != text and bare:
        raise UsageError(
            f"{text!r} says marlzoo already, which the distribution's name begins with; say {bare!r}"
        )
    if not _SOUND.fullmatch(text) or len(text) > LONGEST:
        raise UsageError(
            f"{text!r} cannot be the name of a plug-in; expected at most {LONGEST} lower-case letters, "
            "digits and single _ or -, with a letter first, such as foo or my_algo"
        )
    name = PluginName(tuple(re.split("[_-]", text)))
    if keyword.iskeyword(name.cls) or keyword.iskeyword(name.algorithm):
        raise UsageError(f"{text!r} is a word of Python; choose another name, such as {text}_zoo")
    return name
