"""Cooperation: the share of agreed measures that is really carried out. An assumption that can be switched off."""

from acuerdo.engine.declare import Sector
from acuerdo.engine.ops import clip, maximum

sector = Sector("cooperation")
aux, level = sector.aux, sector.level


@aux("1", source="assumption: joint measures carried out, as shares of full effort")
def follow_through(precursor_control, southbound_checks, support_coverage):
    """How far joint measures are carried out, as a share of full effort."""
    return (precursor_control + southbound_checks + support_coverage) / 3


@aux("1", source="assumption; register D14 for the loss by unilateral action")
def cooperation_aim(cooperation_usual, cooperation_gain, follow_through, cooperation_loss, military_action):
    """Where cooperation tends: raised by follow-through, lowered by unilateral action."""
    raised = cooperation_usual + cooperation_gain * (1 - cooperation_usual) * follow_through
    return clip(raised * (1 - cooperation_loss * military_action), 0.0, 1.0)


@level("1", initial="cooperation_usual", source="assumption")
def cooperation(cooperation, cooperation_aim, cooperation_time):
    """Share of agreed measures that is really carried out."""
    return (cooperation_aim - cooperation) / cooperation_time


@aux("1", source="assumption: agreed measures work in proportion to cooperation; switch 0 takes this out")
def cooperation_factor(cooperation, cooperation_usual, cooperation_switch):
    """Multiplier of measures that need the other side, 1 at the usual cooperation."""
    return maximum(1 + cooperation_switch * (cooperation / cooperation_usual - 1), 0.0)
