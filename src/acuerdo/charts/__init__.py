"""One chart grammar for brief, board and notebooks: Vega-Lite specifications, drawn as SVG without a browser."""

from acuerdo.charts.effects import EffectsPanel, effects, effects_spec
from acuerdo.charts.fan import fan, fan_spec
from acuerdo.charts.pair import pair, pair_spec
from acuerdo.charts.render import with_font
from acuerdo.charts.sparkline import sparkline, sparkline_spec

__all__ = [
    "EffectsPanel",
    "effects",
    "effects_spec",
    "fan",
    "fan_spec",
    "pair",
    "pair_spec",
    "sparkline",
    "sparkline_spec",
    "with_font",
]
