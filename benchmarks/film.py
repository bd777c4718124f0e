"""The film of beta as a browser reads it: the packed bytes, and what the views say at one stop."""

import functools
import html
import json
import math
import re
import struct
import zlib
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from streamlit.proto.BidiComponent_pb2 import BidiComponent

CARRIER = "vae_lab_film"
BETA_BAR, FLOW, PLANE, GALLERY = (
    f"{CARRIER}_{view}" for view in ("beta_bar", "flow", "plane", "gallery")
)
STRIP, SENTENCES, CURVE, BARS, HEAT, AWAITED = (
    f"{CARRIER}_{view}" for view in ("strip", "sentences", "curve", "bars", "heat", "awaited")
)
# What the views tell the server: the name of each one's state.
STATES = {BETA_BAR: "beta", GALLERY: "wanted"}
OF_FLOW = ("observed", "code", "reconstruction", "difference", "loss")


def opened(content: bytes) -> dict[str, Any]:
    """What was packed into bytes: deflated JSON behind its length, then what it refers to."""
    (length,) = struct.unpack_from("<I", content)
    end = 4 + length
    start = end + -end % 4

    def referred(value: dict[str, Any]) -> Any:
        if value.keys() != {"offset", "length"}:
            return value
        first = start + value["offset"]
        return content[first : first + value["length"]]

    return json.loads(zlib.decompress(content[4:end]), object_hook=referred)


# Of a class: each student's film and gallery is carried once, and read at each of their moves.
_kept = functools.lru_cache(1000)(opened)


def stop(betas: list[float], query: str) -> int:
    """The number of the stop that a page's link names; it leaves out the one nearest to 1."""
    beta = float(parse_qs(query.removeprefix("?")).get("beta", ["1"])[0])
    return min(range(len(betas)), key=lambda index: abs(math.log((betas[index] or 1) / beta)))


def text(sentence: str) -> str:
    """A sentence without its HTML."""
    return html.unescape(re.sub("<[^>]+>", "", sentence))


class Shown:
    """The film's views on a page, at the stop that its link names.

    components: in the order of the page, others among them. query: of the link. Raises LookupError
    where a view names a film that was not carried.
    """

    def __init__(self, components: Iterable[BidiComponent], query: str) -> None:
        self.components, self.query = list(components), query
        self.carried: dict[str, dict[str, Any]] = {}
        for component in self.components:
            if component.component_name == CARRIER:
                content = _kept(component.bytes)
                self.carried[content["id"]] = content

    def alternative_texts(self, component: BidiComponent) -> list[str]:
        """The alternative texts of one view's pictures; none of another component's."""
        name = component.component_name
        if name in (STRIP, CURVE, BARS, HEAT):
            return [self._alternative_text(name, json.loads(component.json))]
        if name not in (FLOW, PLANE, GALLERY):
            return []
        data = json.loads(component.json)
        if name == GALLERY:
            gallery = self.carried[data["gallery"]]["gallery"]
            index = stop(gallery["betas"], self.query)
            return [gallery["alts"][index]]
        film = self.carried[data["film"]]["film"]
        index = stop(film["betas"], self.query)
        parts = OF_FLOW if name == FLOW else ("plane",)
        alts = [film["alts"][part] for part in parts]
        file = [data["file"]["alt"]] if name == FLOW and data["file"] else []
        return file + [alt if isinstance(alt, str) else alt[index] for alt in alts]

    def _alternative_text(self, name: str, data: dict[str, Any]) -> str:
        if name == HEAT:
            return data["alt"]
        if name == CURVE:
            page = next(page for page in self._pages(data) if "curves" in page)
            curve = page["curves"][data["curve"]]
            return curve["alts"][stop(curve["betas"], self.query)]
        found = (
            page["strips"][data["strip"]]["alts"] if name == STRIP else page["alts"]["bars"]
            for page in self._pages(data)
            if ("strips" if name == STRIP else "alts") in page
        )
        return self._at_stop(found)

    def _pages(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        """The pages that were carried of those that a view shows."""
        names = [named for named in data["pages"] if named in self.carried]
        return [self.carried[named]["page"] for named in names]

    def _at_stop(self, found: Iterable[list[Any]]) -> Any:
        """What the first list that has the stop says at it."""
        index = self.index()
        return next(said[index] for said in found if said[index] is not None)

    def index(self) -> int:
        """The number of the stop that the link names, by the stops of the page's slider."""
        for component in self.components:
            if component.component_name == BETA_BAR:
                return stop(json.loads(component.json)["betas"], self.query)
        # Without a slider the views stand where they were drawn.
        views = (one for one in self.components if one.component_name in (STRIP, SENTENCES, BARS))
        return json.loads(next(views).json)["at"]

    def said(self) -> list[str]:
        """What the page's views of sentences say, in its order."""
        found = []
        for component in self.components:
            if component.component_name == SENTENCES:
                data = json.loads(component.json)
                found += [self._said(data, name) for name in data["names"]]
        return found

    def _said(self, data: dict[str, Any], name: str) -> str:
        pages = [page for page in self._pages(data) if name in page.get("says", {})]
        return text(self._at_stop(page["says"][name] for page in pages))

    def sentences(self) -> dict[str, str]:
        """What is said below the loss: its sum, the verdict, and bits of a colour picture."""
        film = self.film()
        index = stop(film["betas"], self.query)
        return {name: text(said[index]) for name, said in film["says"].items() if said}

    def film(self) -> dict[str, Any]:
        """The film that the flow shows."""
        flow = next(one for one in self.components if one.component_name == FLOW)
        return self.carried[json.loads(flow.json)["film"]]["film"]
