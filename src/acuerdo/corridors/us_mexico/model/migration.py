"""Migration: from the decision to leave, through transit and the border cities, to an encounter and what follows it."""

from acuerdo.engine.declare import Sector
from acuerdo.engine.ops import clip, exp, maximum, minimum, power, ratio, total

sector = Sector("migration")
aux, flow, stock, level = sector.aux, sector.flow, sector.stock, sector.level
ORIGIN = "origin"


# ---- deciding to leave


@aux("1", source="assumption: two waves a year")
def season(season_cos_1, season_sin_1, season_cos_2, season_sin_2, year_cos_1, year_sin_1, year_cos_2, year_sin_2):
    """Seasonal multiplier of departures."""
    return exp(
        season_cos_1 * year_cos_1 + season_sin_1 * year_sin_1 + season_cos_2 * year_cos_2 + season_sin_2 * year_sin_2
    )


@aux("1", over=ORIGIN, source="CBP: Central Americans were met less in each January of 2014 to 2020, not Mexicans")
def holidays(december_effect, year_december, through_mexico):
    """Fall of departures in December, in logs; of Mexicans none: they are met less in December and more in January."""
    return december_effect * year_december * through_mexico


@aux("1", over=ORIGIN, source="register M2: parole with returns for named nationalities, split by an assumed share")
def parole_bundle_pressure(
    parole_bundle_effect,
    parole_bundle_share,
    parole_places_felt,
    parole_reference,
    return_acceptance_felt,
    parole_origin,
):
    """Discouragement of unlawful crossing, in logs, by lawful parole together with Mexico's acceptance of returns."""
    offer = minimum(parole_places_felt / parole_reference, 2.0)
    both = parole_bundle_share * offer + (1 - parole_bundle_share) * return_acceptance_felt
    return parole_bundle_effect * parole_origin * both


@aux("1", source="register M3 and M5: asylum restrictions at the border")
def consequence_pressure(consequence_effect, consequence_share_felt):
    """Discouragement, in logs, by restrictions of asylum for those who cross between ports."""
    return consequence_effect * consequence_share_felt


@aux("1", source="register M6: part of the 2019 bundle due to returns to wait in Mexico")
def keep_in_mexico_pressure(keep_in_mexico_effect, keep_in_mexico_places_felt, keep_in_mexico_reference):
    """Discouragement, in logs, by being returned to wait in Mexico."""
    return keep_in_mexico_effect * minimum(keep_in_mexico_places_felt / keep_in_mexico_reference, 2.0)


@aux("1", over=ORIGIN, source="register M4: the share of the enforcement effect felt before people set out")
def enforcement_pressure(enforcement_effect, enforcement_upstream, interior_enforcement_felt, through_mexico):
    """Discouragement of departures, in logs, by enforcement inside Mexico."""
    return enforcement_effect * enforcement_upstream * interior_enforcement_felt * through_mexico


@aux("1", source="assumption, carried over from register M13; effect of a doubling")
def flight_pressure(flight_effect, removal_flights_felt, removal_flights_reference):
    """Discouragement, in logs, by removal flights beyond the usual number."""
    return flight_effect * (removal_flights_felt / removal_flights_reference - 1)


@aux("1", over=ORIGIN, source="policy calendar: title42_expulsion_flights")
def expulsion_flight_pressure(expulsion_flight_effect, expulsion_flights):
    """Discouragement, in logs, by expulsion by air of people of an origin under the public-health order."""
    return expulsion_flight_effect * expulsion_flights


@aux("1", source="assumption: proportion to the level of 2024, at most three times")
def appointment_chance(port_appointments, appointment_reference):
    """Chance of an appointment at a port of entry against that of 2024."""
    return minimum(port_appointments / appointment_reference, 3.0)


@aux(
    "1", over=ORIGIN, source="assumption: a visa delays and diverts more than it stops (policy calendar notes, part 5)"
)
def visa_pressure(visa_effect, visa_requirement_felt):
    """Discouragement of departures, in logs, by a new visa requirement for entering Mexico by air."""
    return visa_effect * visa_requirement_felt


@aux("1", over=ORIGIN, source="definition")
def departure_discouragement(
    parole_bundle_pressure,
    consequence_pressure,
    upstream_share,
    keep_in_mexico_pressure,
    through_mexico,
    expulsion_flight_pressure,
    enforcement_pressure,
    visa_pressure,
    flight_pressure,
    appointment_pull_effect,
    appointment_chance,
):
    """What people who think of leaving expect of policy, in logs; positive discourages."""
    kept_waiting = keep_in_mexico_pressure * through_mexico
    upstream = parole_bundle_pressure + consequence_pressure + kept_waiting + expulsion_flight_pressure
    attracted = appointment_pull_effect * appointment_chance
    return upstream_share * upstream + enforcement_pressure + visa_pressure + flight_pressure - attracted


@aux("1", over=ORIGIN, source="register M3: a rush before an announced restriction; its size is an assumption")
def rush_to_leave(anticipation, visa_effect, visa_requirement_announced, visa_requirement_set):
    """Departures brought forward, in logs, before an announced visa requirement."""
    return anticipation * visa_effect * maximum(visa_requirement_announced - visa_requirement_set, 0.0)


@aux("person/month", over=ORIGIN, source="assumption (structure): latent pressure, season and belief")
def would_depart(
    base_departures, pressure, job_openings, job_pull, season, holidays, departure_discouragement, rush_to_leave
):
    """People who would set out for the border if there were no lawful way from home."""
    push = pressure + job_pull * job_openings + rush_to_leave - holidays
    return base_departures * season * exp(push - departure_discouragement)


@flow(
    "person/month",
    enters="in_transit",
    over=ORIGIN,
    source="assumption (structure); register M15 for the replacement by lawful ways from home",
)
def departures(would_depart, avoided_by_pathways):
    """People who set out for the border."""
    return maximum(would_depart - avoided_by_pathways, 0.1 * would_depart)


@aux(
    "person/month",
    over=ORIGIN,
    source="assumption: share of each origin that walks through the Darien, more under a visa",
)
def darien_transits(departures, darien_share, darien_share_visa, visa_requirement, route_practice):
    """People who cross the Darien on foot."""
    usual = 1 - (1 - darien_share) * (1 - darien_share_visa * visa_requirement)
    more = usual * exp(route_practice)
    return departures * more / (1 - usual + more)


# ---- in Mexico


@stock("person", over=ORIGIN, source="assumption: first value in months of the usual departures")
def in_transit(base_departures, transit_time, initial_transit):
    """People on the way through Mexico."""
    return base_departures * transit_time * initial_transit


@aux("person/month", over=ORIGIN, source="definition")
def moving_on(in_transit, transit_time, time_step):
    """People who reach the last stage of the way north."""
    return in_transit * (1 - exp(-time_step / transit_time)) / time_step


@aux("1", over=ORIGIN, source="register M4: net effect of a full surge on arrivals")
def passage(
    enforcement_effect,
    enforcement_upstream,
    enforcement_at_line,
    interior_enforcement_felt,
    through_mexico,
    cooperation_factor,
):
    """Share of those who move on that is not stopped inside Mexico."""
    felt = maximum(interior_enforcement_felt, 0.0)
    stop = enforcement_effect * (1 - enforcement_upstream - enforcement_at_line) * felt * cooperation_factor
    return exp(-stop * through_mexico)


@flow("person/month", leaves="in_transit", enters="at_border", over=ORIGIN, source="definition")
def arrivals_at_border(moving_on, passage):
    """People who reach the border cities."""
    return moving_on * passage


@flow("person/month", leaves="in_transit", over=ORIGIN, source="assumption: share of stopped people who give up")
def turned_home(moving_on, passage, turned_home_share):
    """People stopped on the way who go home; the others try again (churn)."""
    return moving_on * (1 - passage) * turned_home_share


@aux("event/month", over=ORIGIN, source="assumption (structure): detention events by effort; events, not people")
def irregular_events(
    in_transit,
    detection_rate,
    enforcement_practice,
    interior_enforcement,
    enforcement_floor,
    through_mexico,
    cooperation_factor,
):
    """Times that Mexico's authority registers a person in an irregular situation."""
    effort = (enforcement_floor + (1 - enforcement_floor) * interior_enforcement) * cooperation_factor
    return in_transit * detection_rate * effort * exp(enforcement_practice) * through_mexico


@flow("person/month", leaves="in_transit", over=ORIGIN, source="assumption (structure): returns from detention")
def returned_by_mexico(irregular_events, return_share, return_practice):
    """People that Mexico returns to their country."""
    return irregular_events * return_share * exp(return_practice)


@stock("person", over=ORIGIN, source="assumption: first value in months of the usual departures")
def at_border(base_departures, initial_transit, initial_at_border):
    """People waiting in the border cities."""
    return base_departures * initial_transit * initial_at_border


@flow("person/month", leaves="at_border", over=ORIGIN, source="assumption: share that gives up a month")
def gave_up_waiting(choosing, give_up_rate, choice_rate):
    """People who leave the border cities and give up."""
    return choosing * give_up_rate / choice_rate


@aux("person/month", over=ORIGIN, source="register M13: deportation from border cities as far as funded")
def deportations_from_border(at_border, border_city_deportation, through_mexico, cooperation_factor, time_step):
    """Deportations from the border cities, shared by eligible people, at most a tenth of those there in a step."""
    eligible = at_border * through_mexico
    shared = border_city_deportation * cooperation_factor * ratio(eligible, total(eligible, ORIGIN))
    return minimum(shared, 0.1 * at_border / time_step)


@flow("person/month", leaves="at_border", over=ORIGIN, source="definition")
def deported_from_border_cities(deportations_from_border):
    """People that Mexico deports from the border cities."""
    return deportations_from_border


# ---- at the ports of entry


@aux("person/month", source="policy calendar: daily cap of appointments")
def appointment_places(port_appointments, days_per_month, person_per_appointment, appointment_fill):
    """People who can be received by appointment."""
    return port_appointments * days_per_month * person_per_appointment * appointment_fill


@aux("1/month", over=ORIGIN, source="assumption (structure): in proportion to the chance of an appointment")
def wish_to_wait(attempt_rate, appointment_weight, appointment_chance):
    """Rate at which a person at the border would join the line for an appointment."""
    return attempt_rate * appointment_weight * appointment_chance


@flow(
    "person/month",
    leaves="at_border",
    enters="in_line",
    over=ORIGIN,
    source="register M1: the lawful way at ports draws people from crossing between them",
)
def joined_line(choosing, wish_to_wait, choice_rate):
    """People who decide to wait in Mexico for an appointment."""
    return choosing * wish_to_wait / choice_rate


@stock("person", over=ORIGIN, source="policy calendar: appointments began in January 2023")
def in_line(no_people):
    """People waiting in Mexico for an appointment at a port of entry."""
    return no_people


@aux("person/month", over=ORIGIN, source="assumption (structure): places shared by those in line")
def appointments_given(in_line, appointment_places, time_step):
    """Appointments given, shared by those in line, at most to nine tenths of them in a step."""
    return minimum(appointment_places * ratio(in_line, total(in_line, ORIGIN)), 0.9 * in_line / time_step)


@flow("person/month", leaves="in_line", over=ORIGIN, source="definition")
def appointments_used(appointments_given):
    """People received at a port of entry by appointment."""
    return appointments_given


@flow(
    "person/month",
    leaves="in_line",
    enters="at_border",
    over=ORIGIN,
    source="assumption (structure): patience in proportion to the chance of an appointment",
)
def left_line(in_line, line_exit_rate, appointment_chance):
    """People who no longer wait for an appointment and decide anew."""
    return in_line * line_exit_rate / clip(appointment_chance, 0.1, 1.0)


@aux("month", source="definition: a queue by what is served, Little's law")
def appointment_wait(in_line, appointments_given):
    """Months that an appointment for everyone in line would take at the present pace."""
    return ratio(total(in_line, ORIGIN), total(appointments_given, ORIGIN))


@aux("person", over=ORIGIN, source="definition: nobody is counted twice in a step")
def free_at_border(at_border, deportations_from_border, time_step):
    """People at the border who are not deported in the step."""
    return maximum(at_border - time_step * deportations_from_border, 0.0)


@aux("1", over=ORIGIN, source="policy calendar: title42_port_exceptions")
def excepted_share(port_exceptions, exception_use):
    """Share of the people who act that asks for protection at a port, by exception from the public-health order."""
    return port_exceptions * exception_use


@flow("person/month", leaves="at_border", over=ORIGIN, source="definition")
def received_by_exception(free_at_border, acting_rate, excepted_share):
    """People received at a port of entry by exception from the public-health order."""
    return free_at_border * acting_rate * excepted_share


@aux("person/month", over=ORIGIN, source="definition")
def choosing(free_at_border, acting_rate, excepted_share):
    """People who act and decide to cross, to wait for an appointment or to give up."""
    return free_at_border * acting_rate * (1 - excepted_share)


@aux(
    "event/month",
    over=ORIGIN,
    source="assumption (structure): arrivals at ports without appointment are a series of their own",
)
def encounters_at_ports(
    port_base,
    port_pressure,
    port_closure_effect,
    port_asylum_closed,
    appointments_given,
    received_by_exception,
    event_per_person,
):
    """Encounters at ports of entry, with and without appointment."""
    other = port_base * exp(port_pressure) * (1 - port_closure_effect * port_asylum_closed)
    return other + (appointments_given + received_by_exception) * event_per_person


# ---- between the ports


@aux("1", over=ORIGIN, source="register M4 for enforcement in the border cities; otherwise definition")
def crossing_discouragement(
    upstream_share,
    parole_bundle_pressure,
    consequence_pressure,
    keep_in_mexico_pressure,
    through_mexico,
    expulsion_flight_pressure,
    enforcement_effect,
    enforcement_at_line,
    interior_enforcement_felt,
    cooperation_factor,
):
    """What people at the border expect of policy, in logs; positive discourages crossing between ports."""
    kept_waiting = keep_in_mexico_pressure * through_mexico
    policy = parole_bundle_pressure + consequence_pressure + kept_waiting + expulsion_flight_pressure
    watched = enforcement_effect * enforcement_at_line * interior_enforcement_felt * cooperation_factor
    return (1 - upstream_share) * policy + watched * through_mexico


@aux("1", over=ORIGIN, source="definition")
def pressure(regional_pressure, through_mexico, origin_pressure):
    """Pressure to leave, in logs, 0 at the usual; Mexicans have one of their own."""
    return regional_pressure * through_mexico + origin_pressure


@aux("1", over=ORIGIN, source="register M3: a rush before an announced restriction; its size is an assumption")
def rush_to_cross(
    anticipation,
    consequence_effect,
    consequence_share_announced,
    consequence_share_set,
    keep_in_mexico_effect,
    keep_in_mexico_places_announced,
    keep_in_mexico_places_set,
    keep_in_mexico_reference,
    through_mexico,
):
    """Crossing brought forward, in logs, before an announced restriction."""
    bar = consequence_effect * maximum(consequence_share_announced - consequence_share_set, 0.0)
    more = maximum(keep_in_mexico_places_announced - keep_in_mexico_places_set, 0.0) / keep_in_mexico_reference
    return anticipation * (bar + keep_in_mexico_effect * minimum(more, 2.0) * through_mexico)


@aux("1/month", over=ORIGIN, source="assumption (structure): policy multiplies a usual rate")
def wish_to_cross(attempt_rate, crossing_discouragement, rush_to_cross):
    """Attempts that a person at the border would make in a month."""
    return attempt_rate * exp(rush_to_cross - crossing_discouragement)


@aux("1/month", over=ORIGIN, source="definition")
def choice_rate(wish_to_cross, wish_to_wait, give_up_rate):
    """Rate at which a person at the border decides to cross, to wait for an appointment or to give up."""
    return wish_to_cross + wish_to_wait + give_up_rate


@aux("1/month", over=ORIGIN, source="definition: no more people can act in a step than are there")
def acting_rate(choice_rate, time_step):
    """Share of the people at the border who act in a step, as a monthly rate."""
    return (1 - exp(-choice_rate * time_step)) / time_step


@aux("person/month", over=ORIGIN, source="definition: those who act, by what they wish")
def attempts(choosing, wish_to_cross, choice_rate):
    """Attempts to cross between the ports of entry."""
    return choosing * wish_to_cross / choice_rate


@aux("person/month", over=ORIGIN, source="definition")
def found_between_ports(attempts, detection_share):
    """People who are met by the patrol when they cross."""
    return attempts * detection_share


@aux("event/month", over=ORIGIN, source="definition: encounters are events, not people")
def encounters_between_ports(found_between_ports, event_per_person):
    """Encounters between ports of entry."""
    return found_between_ports * event_per_person


@aux("event/month", over=ORIGIN, source="definition: shares of those who leave a place, at the present rates")
def encounters_in_prospect(
    departures,
    arrivals_at_border,
    turned_home,
    returned_by_mexico,
    asylum_applications,
    encounters_between_ports,
    gave_up_waiting,
    received_by_exception,
    joined_line,
    appointments_used,
    left_line,
    expelled_went_home,
    repatriated_went_home,
    admitted_to_procedure,
    entered_undetected,
):
    """Encounters that this month's departures lead to if rates stay as they are."""
    on_the_way = arrivals_at_border + turned_home + returned_by_mexico + asylum_applications
    waited = gave_up_waiting + joined_line * ratio(appointments_used, appointments_used + left_line)
    returned = expelled_went_home + repatriated_went_home
    through = waited + received_by_exception + returned + admitted_to_procedure + entered_undetected
    return departures * ratio(arrivals_at_border, on_the_way) * ratio(encounters_between_ports, through)


@aux(
    "1",
    over=ORIGIN,
    source="policy calendar: expulsion where Mexico or a flight takes the person; use below acceptance",
)
def expelled_share(expulsion_regime, return_acceptance, expelled_if_accepted, expelled_otherwise):
    """Share of encounters that end in expulsion without a procedure."""
    return expulsion_regime * (return_acceptance * expelled_if_accepted + (1 - return_acceptance) * expelled_otherwise)


@aux("event/month", over=ORIGIN, source="definition")
def expulsions(expelled_share, encounters_between_ports):
    """Expulsions under the public-health order."""
    return expelled_share * encounters_between_ports


@aux("person/month", over=ORIGIN, source="policy calendar: returns to wait in Mexico, shared by eligible people")
def returned_to_wait_wanted(
    keep_in_mexico_places, keep_eligible, found_between_ports, expelled_share, cooperation_factor
):
    """People that the returns-to-wait programme would take."""
    eligible = keep_eligible * found_between_ports * (1 - expelled_share)
    places = keep_in_mexico_places * cooperation_factor
    return minimum(eligible, places * ratio(eligible, total(eligible, ORIGIN)))


@aux("1", over=ORIGIN, source="definition")
def procedure_share(expelled_share, returned_to_wait_wanted, found_between_ports):
    """Share of encounters that go through the ordinary procedure."""
    return maximum(1 - expelled_share - ratio(returned_to_wait_wanted, found_between_ports), 0.0)


@aux("1", over=ORIGIN, source="assumption: restrictions and flights turn releases into removals")
def repatriated_share(
    repatriated_base,
    repatriated_by_consequence,
    consequence_share,
    removal_flights,
    removal_flights_reference,
    flight_reach,
):
    """Share of those in the ordinary procedure who are repatriated from the border."""
    more = repatriated_by_consequence * consequence_share
    flights = flight_reach * (removal_flights / removal_flights_reference - 1)
    return clip(repatriated_base + (1 - repatriated_base) * (more + flights), 0.0, 0.98)


@flow("person/month", leaves="at_border", over=ORIGIN, source="register M8: repeat crossing after expulsion")
def expelled_went_home(found_between_ports, expelled_share, retry_after_expulsion):
    """Expelled people who do not try again; the others stay at the border."""
    return found_between_ports * expelled_share * (1 - retry_after_expulsion)


@flow("person/month", leaves="at_border", enters="waiting_under_keep", over=ORIGIN, source="definition")
def returned_to_wait(returned_to_wait_wanted):
    """People returned to wait in Mexico for their hearing."""
    return returned_to_wait_wanted


@aux("person/month", over=ORIGIN, source="definition")
def repatriated_at_border(found_between_ports, procedure_share, repatriated_share):
    """People repatriated from the border after the ordinary procedure."""
    return found_between_ports * procedure_share * repatriated_share


@flow("person/month", leaves="at_border", over=ORIGIN, source="register M7: repeat crossing after removal")
def repatriated_went_home(repatriated_at_border, retry_after_removal, consequence_share, retry_reduction):
    """Repatriated people who do not try again."""
    return repatriated_at_border * (1 - retry_after_removal * (1 - (1 - retry_reduction) * consequence_share))


@flow("person/month", leaves="at_border", over=ORIGIN, source="definition")
def admitted_to_procedure(found_between_ports, procedure_share, repatriated_share):
    """People released or transferred into the United States with a procedure open."""
    return found_between_ports * procedure_share * (1 - repatriated_share)


@flow(
    "person/month",
    leaves="at_border",
    over=ORIGIN,
    source="assumption (structure): undetected entries are a latent share",
)
def entered_undetected(attempts, detection_share, deaths_on_route_by_origin):
    """People who enter without being met."""
    return maximum(attempts * (1 - detection_share) - deaths_on_route_by_origin, 0.0)


@aux("1", source="assumption: where many cross, a smaller share of them takes the deadlier routes")
def crowd_effect(attempts, crowd_reference, crowd_elasticity):
    """Multiplier of the risk of an attempt by the number of all attempts, 1 at the reference."""
    return power(total(attempts, ORIGIN) / crowd_reference, -crowd_elasticity)


@aux("person/month", over=ORIGIN, source="IOM Missing Migrants: deaths per attempt, higher in the hot months")
def deaths_on_route_by_origin(attempts, death_risk, crowd_effect, year_cos_1, year_cos_2, heat_effect):
    """People who die or go missing near the border, before the number is held to the people who are there."""
    return attempts * death_risk * crowd_effect * exp(-heat_effect * (year_cos_1 - 0.3 * year_cos_2))


@flow("person/month", leaves="at_border", over=ORIGIN, source="definition")
def died_on_route(deaths_on_route_by_origin):
    """People who die or go missing near the border."""
    return deaths_on_route_by_origin


@stock("person", over=ORIGIN, source="policy calendar: the programme began in January 2019")
def waiting_under_keep(no_people):
    """People returned to wait in Mexico for a hearing in the United States."""
    return no_people


@flow("person/month", leaves="waiting_under_keep", enters="at_border", over=ORIGIN, source="assumption")
def tried_again_from_keep(waiting_under_keep, keep_exit_rate, keep_retry_share):
    """People who stop waiting and go back to the border."""
    return waiting_under_keep * keep_exit_rate * keep_retry_share


@flow("person/month", leaves="waiting_under_keep", over=ORIGIN, source="assumption")
def left_keep(waiting_under_keep, keep_exit_rate, keep_retry_share):
    """People who stop waiting and go home or elsewhere."""
    return waiting_under_keep * keep_exit_rate * (1 - keep_retry_share)


# ---- totals, outcomes of encounters, courts


@aux("event/month", source="definition")
def encounters_between_ports_total(encounters_between_ports):
    """Encounters between ports, all origins."""
    return total(encounters_between_ports, ORIGIN)


@aux("event/month", source="definition")
def irregular_events_total(irregular_events):
    """Times that Mexico's authority registers a person in an irregular situation, all origins."""
    return total(irregular_events, ORIGIN)


@aux("event/month", source="definition")
def encounters_at_ports_total(encounters_at_ports):
    """Encounters at ports, all origins."""
    return total(encounters_at_ports, ORIGIN)


@aux("event/month", source="definition")
def encounters_total(encounters_between_ports_total, encounters_at_ports_total):
    """All encounters at the south-west land border."""
    return encounters_between_ports_total + encounters_at_ports_total


@aux("person/month", source="definition")
def repatriated_border_total(
    repatriated_at_border, port_repatriated_share, encounters_at_ports_total, event_per_person
):
    """People repatriated from the border under the ordinary procedure, at and between ports."""
    return total(repatriated_at_border, ORIGIN) + port_repatriated_share * encounters_at_ports_total / event_per_person


@aux("person/month", source="OHSS: repatriations of every kind, with those from the interior")
def repatriations(repatriated_border_total, expulsions, event_per_person, interior_repatriations, enforcement_interior):
    """People repatriated by the United States, of every kind."""
    interior = interior_repatriations * exp(enforcement_interior)
    return repatriated_border_total + total(expulsions, ORIGIN) / event_per_person + interior


@aux("person/month", source="definition")
def admitted_total(admitted_to_procedure):
    """People admitted to a procedure between ports, all origins."""
    return total(admitted_to_procedure, ORIGIN)


@aux("person/month", source="assumption: constant shares of those admitted")
def transferred_to_detention(admitted_total, detention_share, encounters_total, custody_share, event_per_person):
    """People handed to detention in the interior."""
    return admitted_total * detention_share + custody_share * encounters_total / event_per_person


@aux("person/month", source="assumption: constant share of encounters")
def children_transferred(encounters_total, child_share, event_per_person):
    """Children alone who are handed to the health department."""
    return encounters_total * child_share / event_per_person


@aux("person/month", source="definition")
def released(admitted_total, detention_share, child_release_share):
    """People released by the patrol with a date in court."""
    return admitted_total * (1 - detention_share) * (1 - child_release_share)


@aux("person/month", source="definition")
def port_paroles(
    appointments_given, received_by_exception, port_base, port_pressure, port_parole_share, event_per_person
):
    """People paroled in at a port of entry."""
    other = total(port_base, ORIGIN) * exp(port_pressure) / event_per_person
    return total(appointments_given, ORIGIN) + total(received_by_exception, ORIGIN) + port_parole_share * other


@stock("case", source="EOIR: pending cases")
def court_pending(initial_court_pending):
    """Cases pending in the immigration courts."""
    return initial_court_pending


@flow(
    "case/month", enters="court_pending", source="EOIR: receipts follow people admitted to a procedure; other filings"
)
def court_receipts(
    released,
    children_transferred,
    transferred_to_detention,
    port_paroles,
    case_per_person,
    other_filings,
    filing_practice,
):
    """Cases filed in the immigration courts."""
    people = released + children_transferred + transferred_to_detention + port_paroles
    return people * case_per_person + other_filings * exp(filing_practice)


@flow("case/month", leaves="court_pending", source="EOIR: completions by capacity")
def court_completions(court_capacity):
    """Cases completed by the immigration courts."""
    return court_capacity


@aux("month", source="definition: a queue by what is served, Little's law")
def court_wait(court_pending, court_completions):
    """Months that the pending court cases would take at the present pace."""
    return ratio(court_pending, court_completions)


@stock("case", source="USCIS: affirmative asylum applications pending")
def affirmative_pending(initial_affirmative_pending):
    """Asylum applications pending with the immigration service, made by people not in court."""
    return initial_affirmative_pending


@flow(
    "case/month",
    enters="affirmative_pending",
    source="assumption (structure): a share of those who enter undetected or with parole, and others",
)
def affirmative_filings(affirmative_other, affirmative_share, entered_undetected, parole_arrivals, case_per_person):
    """Asylum applications filed with the immigration service."""
    new = total(entered_undetected, ORIGIN) + total(parole_arrivals, ORIGIN)
    return affirmative_other + affirmative_share * new * case_per_person


@flow("case/month", leaves="affirmative_pending", source="assumption: capacity of the immigration service")
def affirmative_completions(affirmative_capacity):
    """Asylum applications completed by the immigration service."""
    return affirmative_capacity


# ---- smuggling


@aux("USD/person", over=ORIGIN, source="register M9 and M10")
def smuggling_fee(fee_base, fee_elasticity, interior_enforcement_felt, consequence_share_felt):
    """Fee paid to smugglers for one journey."""
    return fee_base * exp(fee_elasticity * (interior_enforcement_felt + consequence_share_felt))


@aux("USD/month", source="register M10: share of people who use a smuggler")
def smuggling_revenue(attempts, smuggler_use, smuggling_fee):
    """What smugglers are paid."""
    return total(attempts * smuggling_fee, ORIGIN) * smuggler_use


@aux("person", source="definition")
def waiting_in_mexico(at_border, in_line, waiting_under_keep):
    """People kept waiting in Mexico for a way into the United States."""
    return total(at_border, ORIGIN) + total(in_line, ORIGIN) + total(waiting_under_keep, ORIGIN)


@aux("person/month", source="definition")
def deaths_on_route(died_on_route):
    """People who die or go missing near the border, all origins."""
    return total(died_on_route, ORIGIN)


@aux("1", source="definition: repeated attempts for each person who leaves the border")
def encounters_per_person(
    found_between_ports, expelled_went_home, returned_to_wait, repatriated_went_home, admitted_to_procedure
):
    """Encounters for each person met, a measure of repeat crossing."""
    people = expelled_went_home + returned_to_wait + repatriated_went_home + admitted_to_procedure
    return ratio(total(found_between_ports, ORIGIN), total(people, ORIGIN))


@aux("person/month", source="definition")
def returned_to_wait_total(returned_to_wait):
    """People returned to wait in Mexico, all origins."""
    return total(returned_to_wait, ORIGIN)


@aux("event/month", source="definition")
def expulsions_total(expulsions):
    """Expulsions under the public-health order, all origins."""
    return total(expulsions, ORIGIN)
