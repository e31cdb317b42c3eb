"""Finds out when the other side of a connection is not there any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

__all__ = ["keep_alive"]

PING_S = 20.0
PONG_S = 20.0  # without a sign of life, while we would have read one
LOOK_S = 1.0

log = logging.getLogger(__name__)


async def keep_alive(socket: ServerConnection, signs: Callable[[], int | None]) -> None:
    """Ping until the connection is closed, and cut it when nothing comes back.

    An answer may stand behind sound that is not read because its session has no room, so that only
    the time counts in which the client is being read.

    Args:
        socket: the connection.
        signs: how many frames have come; None while no frame is waited for.
    """
    try:
        while True:
            await asyncio.sleep(PING_S)
            pong = asyncio.ensure_future(await socket.ping())
            waited_s, before = 0.0, signs()
            while not pong.done():
                await asyncio.sleep(LOOK_S)
                now = signs()
                waited_s = waited_s + LOOK_S if now is not None and now == before else 0.0
                before = now
                if waited_s >= PONG_S:
                    log.info("a client does not answer any more")
                    socket.transport.abort()
                    return
    except ConnectionClosed:
        pass
