"""The numbered list of sources: each gets its number when it is first cited."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from acuerdo.brief.model import SourceItem
from acuerdo.figures.catalogue import Series
from acuerdo.figures.store import Figure
from acuerdo.i18n import Texts

_ADDRESS = re.compile(r"https?://\S+")


@dataclass
class _Source:
    publisher: str
    table: str
    address: str
    terms: str
    vintages: dict[str, None] = field(default_factory=dict)


class Sources:
    """Numbers sources in the order in which they are cited."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._found: dict[tuple[str, str, str], _Source] = {}

    def cite(self, publisher: str, table: str, address: str, vintage: str = "", terms: str = "") -> int:
        """Return the number of a source, the same for the same publisher, table and address.

        With an address only, a source already cited at that address is meant.
        """
        key = (publisher.strip(), table.strip(), address.strip())
        if not publisher and not table:
            key = next((known for known in self._found if known[2] == address), key)
        source = self._found.setdefault(key, _Source(*key, terms=terms))
        if vintage:
            source.vintages[vintage] = None
        return list(self._found).index(key) + 1

    def figure(self, entry: Series, figure: Figure) -> int:
        """Return the number of the source of a figure.

        A figure that a report or article carried is cited with that print.
        """
        terms = self._texts.pick(entry.terms)
        table, address = entry.table, entry.address
        found = _ADDRESS.search(figure.source)
        if found:
            address = found.group(0).rstrip(".,;)")
            table = figure.source.replace(address, "").strip(" ,;")
        return self.cite(entry.publisher, table, address, figure.vintage, terms)

    def listing(self) -> tuple[SourceItem, ...]:
        """Return all sources cited so far, in order."""
        return tuple(
            SourceItem(
                number=number,
                publisher=source.publisher,
                table=source.table,
                address=re.sub(r"^https?://(www\.)?", "", source.address).rstrip("/"),
                link=_link(source.address),
                vintage=self._texts.listing(source.vintages) if source.vintages else "",
                terms=source.terms,
            )
            for number, source in enumerate(self._found.values(), start=1)
        )


def _link(address: str) -> str:
    """Return an address that can be followed; addresses are on record without their scheme at times."""
    if not address or address.startswith(("http://", "https://")):
        return address
    return f"https://{address}" if re.match(r"[\w.-]+\.\w+(/|$)", address) else ""


def ordered(numbers: Iterable[int]) -> tuple[int, ...]:
    """Return source numbers once each, rising."""
    return tuple(sorted(set(numbers)))
