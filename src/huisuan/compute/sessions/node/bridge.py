"""The node's end of a tunnel: frames on standard input and output, each stream a connection to the session's socket.

It is started by the agent, as the job's user and on the job's node (for Slurm: as a step of the job). The session goes
on whether a bridge is there or not.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from pathlib import Path

from huisuan.compute.sessions.node.frames import ACTIVE, HELLO, MAX_PAYLOAD, FrameParser, MalformedFrame, pack_frame
from huisuan.compute.sessions.node.streams import Multiplexer, StreamReset, TunnelStream

SOCKET, SECRET, ACTIVE_FILE = "app.sock", "secret", "active"
START_SECONDS = 300  # for the program of the session to listen
_POLL_SECONDS = 0.2


def session_folder(uid: str) -> Path:
    """Where a session keeps its socket and its secret: on the node's own disk, closed to everyone else."""
    return Path("/tmp") / ("huisuan-session-" + uid)  # noqa: S108 - closed, and its owner is checked


def is_own_folder(folder: Path) -> bool:
    """Whether the folder is there, this user's and closed: anyone may make one of that name first."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


async def is_listening(folder: Path) -> bool:
    """Whether the session's program takes connections."""
    if not is_own_folder(folder):
        return False
    try:
        _, writer = await asyncio.open_unix_connection(str(folder / SOCKET))
    except OSError:
        return False
    writer.close()
    return True


async def run_bridge(uid: str, kind: str = "") -> int:
    """Serve one tunnel, to a session of that kind, on standard input and output until that ends; the exit code."""
    folder = session_folder(uid)
    for _ in range(int(START_SECONDS / _POLL_SECONDS)):
        if await is_listening(folder):
            break
        await asyncio.sleep(_POLL_SECONDS)
    else:
        sys.stderr.write("no session listens in %s\n" % folder)
        return 1
    reader, writer = await _standard_streams()
    lock, tasks = asyncio.Lock(), set()

    async def send(data: bytes) -> None:
        async with lock:
            writer.write(data)
            await writer.drain()

    def serve(stream: TunnelStream) -> None:
        task = asyncio.ensure_future(_serve(stream, folder))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    streams, parser = Multiplexer(send, serve), FrameParser()
    hello = {"secret": (folder / SECRET).read_text(), "kind": kind}
    await send(pack_frame(HELLO, 0, json.dumps(hello).encode()))
    try:
        while data := await reader.read(2 * MAX_PAYLOAD):
            for frame, number, payload in parser.feed(data):
                if frame == ACTIVE:
                    (folder / ACTIVE_FILE).touch()
                else:
                    streams.receive(frame, number, payload)
    except (MalformedFrame, ConnectionError) as error:
        sys.stderr.write("tunnel broken: %s\n" % error)
    finally:
        streams.close()
    return 0


async def _standard_streams() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_event_loop()
    reader = asyncio.StreamReader(limit=8 * MAX_PAYLOAD)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop=loop), sys.stdout.buffer
    )
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)


async def _serve(stream: TunnelStream, folder: Path) -> None:
    """Carry one stream to the session's program and back."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(folder / SOCKET))
    except OSError:
        await stream.reset()
        return
    back = asyncio.ensure_future(_carry_back(reader, stream))
    try:
        while data := await stream.read():
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        await back
    except (StreamReset, OSError):
        await stream.reset()
    finally:
        back.cancel()
        writer.close()


async def _carry_back(reader: asyncio.StreamReader, stream: TunnelStream) -> None:
    try:
        while data := await reader.read(MAX_PAYLOAD):
            await stream.write(data)
        await stream.finish()
    except (StreamReset, OSError):
        await stream.reset()
