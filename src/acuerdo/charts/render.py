"""From a Vega-Lite specification to SVG text that a screen reader can name and describe."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from xml.sax.saxutils import escape

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode

from acuerdo.charts import theme
from acuerdo.i18n import Texts

_P = ParamSpec("_P")
_R = TypeVar("_R")
_VEGA_LITE = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


def drawn(rows: list[Any]) -> Any:
    """Return a chart of rows that stand in the specification itself."""
    data: Any = alt.Data
    return alt.Chart(data(values=rows))


def quick(build: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function build its chart without checking every part against the schema, which takes most of the time.

    The tests check the finished specifications instead.
    """

    @wraps(build)
    def unchecked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with debug_mode(False):
            return build(*args, **kwargs)

    return unchecked


def finish(chart: Any) -> dict[str, Any]:
    """Return the specification of an Altair chart with the shared theme."""
    spec: dict[str, Any] = chart.to_dict(validate=False, context={"pre_transform": False})
    spec["config"] = theme.config()
    return spec


def to_svg(spec: dict[str, Any], title: str, description: str, texts: Texts) -> str:
    """Draw a specification as SVG text with `<title>` and `<desc>`, numbers and dates in the reader's locale."""
    svg = vl_convert.vegalite_to_svg(
        spec,
        vl_version=_VEGA_LITE,
        format_locale=texts.d3_number_locale(),
        time_format_locale=texts.d3_time_locale(),
    )
    return describe(svg, title, description, texts.lang)


def describe(svg: str, title: str, description: str, lang: str) -> str:
    """Put a title and a description into an SVG, as accessible name and description."""
    mark = hashlib.sha256(f"{title}\n{description}\n{svg}".encode()).hexdigest()[:10]
    head = (
        f' role="img" lang="{escape(lang)}" aria-labelledby="t{mark} d{mark}">'
        f'<title id="t{mark}">{escape(title)}</title><desc id="d{mark}">{escape(description)}</desc>'
    )
    return re.sub(r"(<svg\b[^>]*?)>", lambda found: found.group(1) + head, svg, count=1)


def with_font(svg: str, family: str, scale: float = 1.0) -> str:
    """Return an SVG set in another type face, for output that has its own fonts; sizes times `scale`."""
    svg = re.sub(r'font-family="[^"]*"', f'font-family="{escape(family)}"', svg)
    if scale == 1.0:
        return svg
    return re.sub(r'font-size="([\d.]+)px"', lambda size: f'font-size="{float(size.group(1)) * scale:.4g}px"', svg)
