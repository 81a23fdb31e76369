"""Security in Mexico: organisations, their means, and violence."""

from acuerdo.engine.declare import Sector
from acuerdo.engine.ops import exp, maximum, power

sector = Sector("security")
aux, flow, stock = sector.aux, sector.flow, sector.stock


@stock("person", source="register D16: 160,000 to 185,000 members")
def organisation_members(initial_members):
    """Members of the criminal organisations."""
    return initial_members


@aux("USD/month", source="definition")
def criminal_revenue(
    drug_revenue, smuggling_revenue, sanctions_revenue_effect, financial_sanctions_felt, sanctions_reference
):
    """What the organisations earn from fentanyl and from smuggling people, less what sanctions cost them."""
    lost = sanctions_revenue_effect * (financial_sanctions_felt / sanctions_reference - 1)
    return (drug_revenue + smuggling_revenue) * exp(-lost)


@flow(
    "person/month",
    enters="organisation_members",
    source="register D16: 350 to 370 a week; follows revenue (assumption)",
)
def recruitment(recruitment_base, criminal_revenue, revenue_reference, recruitment_elasticity):
    """People recruited by the organisations."""
    return recruitment_base * power(criminal_revenue / revenue_reference, recruitment_elasticity)


@flow("person/month", leaves="organisation_members", source="register D16: about 200 a week killed or jailed")
def members_lost(organisation_members, loss_rate, homicide_ratio):
    """Members killed or jailed."""
    return organisation_members * loss_rate * homicide_ratio


@flow("person/month", leaves="organisation_members", source="assumption: members who leave")
def members_left(organisation_members, leave_rate):
    """Members who leave."""
    return organisation_members * leave_rate


@aux("1", source="definition")
def homicide_ratio(homicide_trend_level, organisation_members, initial_members, capacity_elasticity):
    """Violence against the reference, before the effect of operations and checks."""
    return homicide_trend_level * power(organisation_members / initial_members, capacity_elasticity)


@aux("1", source="assumption (structure): latent series of violence")
def homicide_trend_level(violence):
    """Latent level of violence, 1 at the reference."""
    return exp(violence)


@aux("person/month", source="register D13: 17 deaths for each leader removed, over the build-up (assumption)")
def homicides_by_leadership(leadership_operations, homicides_per_removal):
    """Homicides that follow the removal of leaders."""
    return leadership_operations * homicides_per_removal


@aux("person/month", source="register D14: 11 per 100,000 people and year in the regions where forces act")
def homicides_by_military_action(military_action, military_homicides, treated_population):
    """Homicides that follow unilateral military action."""
    return military_action * military_homicides * treated_population


@aux(
    "person/month", source="register D17: deaths by arms from the north, in proportion to what checks stop (assumption)"
)
def homicides_avoided_by_checks(southbound_checks, southbound_start, checks_effect):
    """Homicides avoided by checks of traffic going south."""
    return checks_effect * (southbound_checks - southbound_start)


@aux("person/month", source="SESNSP: victims of intentional homicide")
def homicides(
    homicide_base,
    homicide_ratio,
    homicide_season,
    homicides_by_leadership,
    homicides_by_military_action,
    homicides_avoided_by_checks,
):
    """Victims of intentional homicide in Mexico."""
    usual = homicide_base * homicide_ratio * homicide_season
    return maximum(
        usual + homicides_by_leadership + homicides_by_military_action - homicides_avoided_by_checks, 0.1 * usual
    )


@aux("1", source="assumption: one yearly harmonic")
def homicide_season(homicide_cos, homicide_sin, year_cos_1, year_sin_1):
    """Seasonal multiplier of homicides."""
    return exp(homicide_cos * year_cos_1 + homicide_sin * year_sin_1)


@aux("listing/month", source="OFAC: additions follow the lever, with noise")
def sanctions_listed(financial_sanctions):
    """Parties added to the counternarcotics list."""
    return financial_sanctions
