"""Trade and the ports: goods, trucks, waiting as a queue, and officers shared with arrivals of people."""

from acuerdo.engine.declare import Sector
from acuerdo.engine.ops import clip, exp, power

sector = Sector("trade")
aux, level = sector.aux, sector.level


@aux("1", source="assumption (structure): work with people grows with encounters, at and between ports")
def officers_with_people(encounters_total, encounters_reference, officers_pulled):
    """Part of the officers taken up by people who arrive, of the usual pool."""
    return officers_pulled * encounters_total / encounters_reference


@aux("1", source="definition: one pool; whoever works with people is not at cargo or inspection")
def cargo_officers(port_officers, officers_with_people, officers_pulled):
    """Officers left for cargo and inspection, 1 in usual times."""
    return clip((port_officers - officers_with_people) / (1 - officers_pulled), 0.5, 1.6)


@aux("1", source="BTS and Census 2011 to 2017: the same months are high and low each year, beyond a wave or two")
def trade_season(
    trade_cos_1,
    trade_sin_1,
    trade_cos_2,
    trade_sin_2,
    trade_cos_3,
    trade_sin_3,
    trade_cos_4,
    trade_sin_4,
    trade_cos_5,
    trade_sin_5,
    trade_cos_6,
    year_cos_1,
    year_sin_1,
    year_cos_2,
    year_sin_2,
    year_cos_3,
    year_sin_3,
    year_cos_4,
    year_sin_4,
    year_cos_5,
    year_sin_5,
    year_cos_6,
):
    """Seasonal multiplier of trade."""
    return exp(
        trade_cos_1 * year_cos_1
        + trade_sin_1 * year_sin_1
        + trade_cos_2 * year_cos_2
        + trade_sin_2 * year_sin_2
        + trade_cos_3 * year_cos_3
        + trade_sin_3 * year_sin_3
        + trade_cos_4 * year_cos_4
        + trade_sin_4 * year_sin_4
        + trade_cos_5 * year_cos_5
        + trade_sin_5 * year_sin_5
        + trade_cos_6 * year_cos_6
    )


@level("1", initial="unchanged", source="BTS 1996 to 2017: trucks grew about as much from year to year")
def trucks_grown(truck_growth):
    """Growth of the usual number of trucks since the first month, in logs."""
    return truck_growth


@level("1", initial="unchanged", source="assumption (structure): steady growth of the value of a truck's goods")
def value_grown(value_growth):
    """Growth of the value of goods per truck since the first month, in logs."""
    return value_growth


@level("1", initial="unchanged", source="assumption (structure): likewise")
def remittances_grown(remittance_growth):
    """Growth of remittances since the first month, in logs."""
    return remittance_growth


@aux("truck/month", source="definition")
def trucks_usual(trucks_base, trucks_grown):
    """Usual trucks north, with their growth."""
    return trucks_base * exp(trucks_grown)


@aux("truck/month", source="definition")
def truck_demand(trucks_usual, truck_pressure, trade_season):
    """Trucks that would cross north at the usual wait."""
    return trucks_usual * exp(truck_pressure) * trade_season


@aux("1", source="definition; scanning takes time in proportion, lanes grow with the usual trucks (assumptions)")
def port_load(
    truck_demand,
    trucks_usual,
    load_reference,
    trade_capacity,
    cargo_officers,
    scanning_share,
    scanning_start,
    scan_slowdown,
):
    """Load of the lanes: demand against capacity, held below 1."""
    capacity = trade_capacity * cargo_officers * exp(-scan_slowdown * (scanning_share - scanning_start))
    asked = load_reference * truck_demand / trucks_usual / capacity
    # approached smoothly: cut off at 0.97, fewer trucks crossed at more demand, and two demands gave the same
    return asked / power(1 + power(asked / 0.97, 12), 1 / 12)


@aux("hour", source="queueing: wait grows as load / (1 - load); level from the usual wait (assumption)")
def port_wait(wait_reference, port_load, load_reference):
    """Wait of a truck at the border."""
    return wait_reference * (port_load / (1 - port_load)) / (load_reference / (1 - load_reference))


@aux("1", source="register T3 and T4: trade lost to waiting, by value of time")
def trade_kept(trade_wait_elasticity, port_wait, wait_reference):
    """Share of trade not lost to waiting, 1 at the usual wait."""
    # in proportion to the wait, more demand let fewer trucks cross where the lanes were nearly full
    return power(port_wait / wait_reference, -trade_wait_elasticity)


@aux("1", source="register T2: part of the goods held up by a short closure crosses later")
def open_share(port_closures, trade_recovered):
    """Share of crossings that closures do not prevent, with those made up later."""
    return 1 - port_closures * (1 - trade_recovered)


@aux("truck/month", source="definition")
def trucks_northbound(truck_demand, trade_kept, open_share):
    """Trucks that cross north, whole border."""
    return truck_demand * trade_kept * open_share


@aux("truck/month", source="BTS and CBP: share of trucks that cross in Texas")
def trucks_northbound_texas(trucks_northbound, texas_share):
    """Trucks that cross north in Texas."""
    return trucks_northbound * texas_share


@aux("USD/month", source="Census: value follows trucks and price")
def imports_from_mexico(trucks_northbound, value_per_truck, value_grown, value_drift):
    """Goods imported by the United States from Mexico."""
    return trucks_northbound * value_per_truck * exp(value_grown + value_drift)


@aux("USD/month", source="Census")
def exports_to_mexico(exports_base, trucks_grown, value_grown, export_pressure, trade_season, trade_kept, open_share):
    """Goods exported by the United States to Mexico."""
    grown = exp(trucks_grown + value_grown + export_pressure)
    return exports_base * grown * trade_season * trade_kept * open_share


@aux("USD/month", source="register T4: value of a day, by value of goods")
def delay_cost(imports_from_mexico, port_wait, time_value, hours_per_day):
    """What waiting at the border costs shippers."""
    return imports_from_mexico * time_value * port_wait / hours_per_day


@aux("MXN/USD", source="Federal Reserve Board")
def exchange_rate(exchange_base, exchange_walk):
    """Pesos for a dollar."""
    return exchange_base * exp(exchange_walk)


@aux("opening", source="US Bureau of Labor Statistics")
def us_job_openings(openings_base, job_openings):
    """Job openings in the United States."""
    return openings_base * exp(job_openings)


@aux("1", source="Banco de Mexico 2011 to 2017: December and May are high and January is low each year")
def remittance_season(
    remittance_cos_1,
    remittance_sin_1,
    remittance_cos_2,
    remittance_sin_2,
    remittance_cos_3,
    remittance_sin_3,
    remittance_cos_4,
    remittance_sin_4,
    remittance_cos_5,
    remittance_sin_5,
    remittance_cos_6,
    year_cos_1,
    year_sin_1,
    year_cos_2,
    year_sin_2,
    year_cos_3,
    year_sin_3,
    year_cos_4,
    year_sin_4,
    year_cos_5,
    year_sin_5,
    year_cos_6,
):
    """Seasonal multiplier of remittances."""
    return exp(
        remittance_cos_1 * year_cos_1
        + remittance_sin_1 * year_sin_1
        + remittance_cos_2 * year_cos_2
        + remittance_sin_2 * year_sin_2
        + remittance_cos_3 * year_cos_3
        + remittance_sin_3 * year_sin_3
        + remittance_cos_4 * year_cos_4
        + remittance_sin_4 * year_sin_4
        + remittance_cos_5 * year_cos_5
        + remittance_sin_5 * year_sin_5
        + remittance_cos_6 * year_cos_6
    )


@aux("USD/month", source="Banco de Mexico")
def remittances(remittances_base, remittances_grown, remittance_walk, remittance_season):
    """Remittances received in Mexico."""
    return remittances_base * exp(remittances_grown + remittance_walk) * remittance_season


@aux("USD/month", source="definition")
def goods_trade(imports_from_mexico, exports_to_mexico):
    """Goods traded between the two countries."""
    return imports_from_mexico + exports_to_mexico
