"""The look of every chart: colours that colour-blind people can tell apart, one type face, few lines."""

from __future__ import annotations

from typing import Any

# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), of which the brief uses the blue as its one accent.
BLUE = "#0072B2"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
PALETTE = [BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, YELLOW]

INK = "#1B1F24"
MUTED = "#5A626B"
RULE = "#C9CED4"
GRID = "#E7E9EC"
BAND_OUTER = "#D3E5F1"
BAND_INNER = "#9CC7E2"
WITH_OUTER = "#F8DFCC"
WITH_INNER = "#EEB896"

# Liberation Sans comes with vl-convert; Arial and Helvetica have the same widths, so that every reader sees the same.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

SIZE_TITLE = 13
SIZE_LABEL = 11


def config() -> dict[str, Any]:
    """Return the Vega-Lite configuration that all charts share."""
    return {
        "aria": False,
        "background": "white",
        "font": FONT,
        "padding": 2,
        "view": {"stroke": None},
        "title": {
            "anchor": "start",
            "frame": "group",
            "color": INK,
            "fontSize": SIZE_TITLE,
            "fontWeight": "bold",
            "subtitleColor": MUTED,
            "subtitleFontSize": SIZE_LABEL,
            "subtitlePadding": 3,
            "offset": 10,
        },
        "axis": {
            "labelColor": MUTED,
            "labelFontSize": SIZE_LABEL,
            "titleColor": MUTED,
            "titleFontSize": SIZE_LABEL,
            "titleFontWeight": "normal",
            "gridColor": GRID,
            "domainColor": RULE,
            "tickColor": RULE,
            "tickSize": 4,
            "labelPadding": 4,
        },
        "text": {"fontSize": SIZE_LABEL, "color": INK},
        "legend": {"labelColor": INK, "titleColor": MUTED, "labelFontSize": SIZE_LABEL},
        "range": {"category": PALETTE},
    }
