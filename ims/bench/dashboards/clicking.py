"""One person without a browser: the messages that a page of Streamlit sends and gets, over a websocket of its own.

The server does all that it does for a browser, and one machine has room for many such people. Times end with the
last message; what a browser would then draw is no part of them.
"""

from __future__ import annotations

import asyncio
import random
import time
from types import TracebackType
from typing import Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Block_pb2 import Block
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Selectbox_pb2 import Selectbox
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from api.identity.sessions import COOKIE
from ims.bench.dashboards.looks import FAILED, Look, Visitor
from ims.bench.dashboards.visiting import since

FOLDED = {"popover", "dialog", "expandable"}  # what lies in these is not looked for
AGAIN = ForwardMsg.FINISHED_EARLY_FOR_RERUN


async def click_through(address: str, visitor: Visitor, seen: list[Look], *, once: bool = True) -> None:
    """Every view in an order of the visitor's own (not `once`: over and over), each noted in `seen` when asked for."""
    chance = random.Random(visitor.number)  # nosec B311
    await asyncio.sleep(chance.uniform(0.0, visitor.think))
    while True:
        try:
            async with Clicker(address, visitor.token) as clicker:
                for view in chance.sample(visitor.views, len(visitor.views)):
                    seen.append(Look(view))
                    await _look(clicker, seen[-1], chance, visitor.think)
        except (OSError, WebSocketException) as error:
            seen.append(Look("(connection)", fault=f"{type(error).__name__}: {error}"[:200]))
            await asyncio.sleep(1.0)
        if once:
            return


async def go_round(address: str, visitor: Visitor, seen: list[Look], day: int, chooses: float) -> None:
    """The visitor's views in their order; on that share of them something is chosen, another thing on another day."""
    chance = random.Random(f"{visitor.number} {day}")  # nosec B311
    await asyncio.sleep(chance.uniform(0.0, visitor.think))
    async with Clicker(address, visitor.token) as clicker:
        for view in visitor.views:
            seen.append(Look(view))
            await _look(clicker, seen[-1], chance, visitor.think, chooses)


async def _look(clicker: Clicker, look: Look, chance: random.Random, think: float, chooses: float = 1.0) -> None:
    """Open the view, read, choose something in its first list, read."""
    await clicker.open(look)
    await clicker.rest(chance.uniform(0.5, 1.5) * think)
    if look.fault is None and clicker.box is not None and chance.random() < chooses:
        look.filtered = await clicker.choose(chance.choice(clicker.box.options))
        await clicker.rest(chance.uniform(0.5, 1.5) * think)


class Clicker:
    """A page of the site, open in nobody's browser; `box` is the first list of the view with something to choose."""

    def __init__(self, address: str, token: str) -> None:
        self._address, self._cookie = address, f"{COOKIE}={token}"
        self._pages: dict[str, str] = {}
        self._page = self._query = ""
        # fragments that run again by themselves: how often, in seconds, and when next
        self._clocks: dict[str, tuple[float, float]] = {}
        self._folded: set[tuple[int, ...]] = set()
        self.box: Selectbox | None = None
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        where = self._address.replace("http", "ws", 1) + "/_stcore/stream"
        headers = {"Origin": self._address, "Cookie": self._cookie}
        self._socket = await connect(
            where, additional_headers=headers, subprotocols=[Subprotocol("streamlit")], max_size=None
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._socket is not None
        await self._socket.close()

    async def open(self, look: Look) -> None:
        """Click on the view in the navigation, or come by its address when nothing is open yet; times go in `look`."""
        message = BackMsg()
        if look.view in self._pages:
            message.rerun_script.page_script_hash = self._page = self._pages[look.view]
        else:
            message.rerun_script.page_name = look.view
        self._query, self.box = "", None
        look.ready = await self._run(message, look)

    async def choose(self, option: str) -> float:
        """Choose in the first list; milliseconds until the view stands still."""
        assert self.box is not None
        message = self._again()
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.string_value = self.box.id, option
        return await self._run(message)

    async def rest(self, seconds: float) -> None:
        """Read what is there, while the page looks after itself as it does in a browser."""
        until = time.monotonic() + seconds
        while (due := min((at for _, at in self._clocks.values()), default=until)) < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            fragment = min(self._clocks, key=lambda each: self._clocks[each][1])
            every, _ = self._clocks[fragment]
            self._clocks[fragment] = (every, time.monotonic() + every)
            message = self._again()
            message.rerun_script.fragment_id, message.rerun_script.is_auto_rerun = fragment, True
            await self._run(message)
        await asyncio.sleep(max(0.0, until - time.monotonic()))

    def _again(self) -> BackMsg:
        message = BackMsg()
        message.rerun_script.page_script_hash, message.rerun_script.query_string = self._page, self._query
        return message

    async def _run(self, message: BackMsg, look: Look | None = None) -> float:
        """Send it and hear all that comes of it; milliseconds."""
        assert self._socket is not None
        began = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        while True:
            data = await self._socket.recv(decode=False)
            if look is not None:
                look.fault = look.fault or next((words for words in FAILED if words.encode() in data), None)
            heard = ForwardMsg.FromString(data)
            kind = heard.WhichOneof("type")
            if kind == "script_finished" and heard.script_finished != AGAIN:
                return since(began)
            self._note(heard, kind)
            if look is not None and look.painted is None and heard.delta.new_element.HasField("heading"):
                look.painted = since(began)

    def _note(self, heard: ForwardMsg, kind: str | None) -> None:
        if kind == "new_session":
            self._page = heard.new_session.page_script_hash
            if not heard.metadata.run.fragment_ids:
                self._clocks, self._folded = {}, set()
        elif kind == "navigation":
            self._pages = {page.url_pathname: page.page_script_hash for page in heard.navigation.app_pages}
            self._page = heard.navigation.page_script_hash
        elif kind == "page_info_changed":
            self._query = heard.page_info_changed.query_string
        elif kind == "auto_rerun":
            every = heard.auto_rerun.interval
            self._clocks[heard.auto_rerun.fragment_id] = (every, time.monotonic() + every)
        elif kind == "delta":
            self._note_part(tuple(heard.metadata.delta_path), heard)

    def _note_part(self, path: tuple[int, ...], heard: ForwardMsg) -> None:
        if heard.delta.HasField("add_block"):
            if _is_folded(heard.delta.add_block):
                self._folded.add(path)
        elif self.box is None and heard.delta.new_element.HasField("selectbox"):
            box = heard.delta.new_element.selectbox
            if box.options and not box.disabled and not any(path[: len(each)] == each for each in self._folded):
                self.box = box


def _is_folded(block: Block) -> bool:
    kind = block.WhichOneof("type")
    return kind in FOLDED and not (kind == "expandable" and block.expandable.expanded)
