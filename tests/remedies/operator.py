"""An operator who takes every recommended action literally.

What is to be typed is typed, in one shell, as root; what the desk is to do is asked of it as its own
user. Only what no shell can do (put a card back, wait for a program) is done by a hand.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from local_import.errors import START_AGAIN

from .scene import Scene

Hand = Callable[[Scene], object]


def follow(scene: Scene, action: Mapping[str, str | None], hands: Mapping[str, Hand]) -> None:
    """Carry out one action: the command, what only a hand can do, and the operation."""
    command, then = action["command"] or "", action["then"] or ""
    assert command or then or action["code"] in hands, f"nothing can be done: {action}"
    if action["code"] in hands:  # the command only shows something, or is not for this machine
        hands[action["code"]](scene)
        command = ""
    if str(START_AGAIN) in (action["text"] or ""):
        scene.shell(command)
        scene.start_again()
    elif scene.prefix:
        scene.shell(command)
        _as_its_own_user(scene, then)
    else:
        scene.shell(f"{command}\n{then}")


def _as_its_own_user(scene: Scene, then: str) -> None:
    if then:
        python, manage, *arguments = shlex.split(then)
        assert (python, manage) == ("python", "manage.py")
        scene.desk(*arguments)
