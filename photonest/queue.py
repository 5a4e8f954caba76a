"""The message broker: how each kind of it is to be used, and the files of the embedded one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .env import EMBEDDED_BROKER

POLLING_INTERVAL_S = 0.1


def transport_options(url: str, directory: Path, *, longest_task_s: int) -> dict[str, Any]:
    """Celery's options for the broker at this address."""
    if url == EMBEDDED_BROKER:
        return {
            "data_folder_in": str(directory / "messages"),
            "data_folder_out": str(directory / "messages"),
            "control_folder": str(directory / "control"),
            "processed_folder": str(directory / "taken"),
            "polling_interval": POLLING_INTERVAL_S,
        }
    fails_at_once = {
        "max_retries": 0
    }  # where a message is sent; a worker's own patience is endless
    if url.startswith("amqp"):
        return {"confirm_publish": True} | fails_at_once
    return fails_at_once | {
        # Redis gives a message to another worker after this time. Sooner, and long tasks run twice.
        "visibility_timeout": 2 * longest_task_s,
        "socket_connect_timeout": 4,
        "socket_timeout": 10,
        "socket_keepalive": True,
    }


def prepare(url: str, directory: Path) -> None:
    """Make the directories of the embedded broker; any other has none."""
    if url == EMBEDDED_BROKER:
        for name in ("messages", "control", "taken"):
            (directory / name).mkdir(mode=0o700, parents=True, exist_ok=True)
