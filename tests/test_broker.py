"""The embedded broker: nobody sees half of a message, and none is given to two."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection
from kombu.exceptions import ChannelError

from photonest import queue
from photonest.env import EMBEDDED_BROKER
from tests.conftest import ROOT

QUEUE = "imports"


def options(directory):
    queue.prepare(EMBEDDED_BROKER, directory)
    return queue.transport_options(EMBEDDED_BROKER, directory, longest_task_s=60)


@pytest.fixture
def open_channel(tmp_path):
    """A channel as another process has it; the celery application chose its class."""
    connections = []

    def make():
        connection = Connection(EMBEDDED_BROKER, transport_options=options(tmp_path))
        connections.append(connection)
        return connection.default_channel

    yield make
    for connection in connections:
        connection.close()


def test_a_message_that_is_still_being_written_is_not_seen(open_channel, monkeypatch):
    sender, receiver = open_channel(), open_channel()
    write = Path.write_text

    def slowly(path, text, **how):
        for end in range(0, len(text), 5):
            write(path, text[:end], **how)
            with pytest.raises(Empty):
                receiver._get(QUEUE)
        write(path, text, **how)

    monkeypatch.setattr(Path, "write_text", slowly)
    sender._put(QUEUE, {"body": "whole"})

    assert receiver._get(QUEUE) == {"body": "whole"}


def test_messages_come_in_the_order_in_which_they_were_sent_and_each_in_its_own_queue(open_channel):
    channel = open_channel()
    for number in range(20):
        channel._put(QUEUE, {"number": number})
        channel._put("sweeps", {"number": -number})

    assert [channel._get(QUEUE)["number"] for _ in range(20)] == list(range(20))
    assert [channel._get("sweeps")["number"] for _ in range(20)] == [-n for n in range(20)]
    for name in (QUEUE, "sweeps"):
        with pytest.raises(Empty):
            channel._get(name)


def test_of_many_that_take_each_message_reaches_one(open_channel):
    sender, taken = open_channel(), []

    def take(channel):
        misses = 0
        while misses < 50:
            try:
                taken.append(channel._get(QUEUE)["number"])
            except Empty:
                misses += 1

    takers = [threading.Thread(target=take, args=[open_channel()]) for _ in range(4)]
    for taker in takers:
        taker.start()
    for number in range(300):
        sender._put(QUEUE, {"number": number})
    for taker in takers:
        taker.join()
    take(sender)

    assert sorted(taken) == list(range(300))


def test_a_message_that_the_disk_has_lost_is_dropped_and_the_next_one_comes(open_channel, tmp_path):
    channel = open_channel()
    (tmp_path / "messages" / f"0_lost.{QUEUE}.msg").touch()
    (tmp_path / "messages" / f"0_torn.{QUEUE}.msg").write_bytes(b'{"body": \xff')
    channel._put(QUEUE, {"body": "whole"})

    assert channel._get(QUEUE) == {"body": "whole"}
    assert list((tmp_path / "messages").iterdir()) == []
    assert list((tmp_path / "taken").iterdir()) == []


def test_a_directory_that_is_away_is_the_brokers_error(open_channel, tmp_path):
    channel = open_channel()
    for name in ("messages", "control"):
        shutil.rmtree(tmp_path / name)

    for asked in (lambda: channel._put(QUEUE, {}), lambda: channel.get_table("exchange")):
        with pytest.raises(ChannelError):
            asked()


BIND = """
import sys
from kombu import Connection
from pathlib import Path
from photonest import celery, env, queue
options = queue.transport_options(env.EMBEDDED_BROKER, Path(sys.argv[1]), longest_task_s=60)
channel = Connection(env.EMBEDDED_BROKER, transport_options=options).default_channel
sys.stdin.read()
for number in range(20):
    name = f"{sys.argv[2]}-{number}"
    channel._queue_bind("exchange", name, "", name)
"""


def test_processes_that_come_up_together_bind_all_of_their_queues(open_channel, tmp_path):
    channel = open_channel()
    binding = [
        subprocess.Popen(
            [sys.executable, "-c", BIND, str(tmp_path), str(number)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
        )
        for number in range(4)
    ]
    for process in binding:
        process.stdin.close()

    assert [process.wait(60) for process in binding] == [0] * 4
    bound = {row.queue for row in channel.get_table("exchange")}
    assert bound == {f"{one}-{number}" for one in range(4) for number in range(20)}
