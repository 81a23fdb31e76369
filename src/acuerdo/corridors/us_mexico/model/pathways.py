"""Lawful pathways from home or in transit: centres, parole with sponsors, refugees, temporary work."""

from acuerdo.engine.declare import Sector
from acuerdo.engine.ops import minimum, ratio, total

sector = Sector("pathways")
aux, flow, stock = sector.aux, sector.flow, sector.stock
ORIGIN = "origin"


@flow("person/month", enters="centre_screening", source="register M14: applications taken by the offices")
def centre_applications(centre_capacity, cooperation_factor):
    """People whose application a centre takes up."""
    return centre_capacity * cooperation_factor


@stock("person", source="the centres opened in June 2023")
def centre_screening(no_person):
    """People being screened by a centre."""
    return no_person


@aux("person/month", source="assumption: time to screen")
def centre_screened(centre_screening, screening_time):
    """People whose screening ends."""
    return centre_screening / screening_time


@flow("person/month", leaves="centre_screening", enters="centre_referred", source="register M14: share referred")
def centre_referrals(centre_screened, centre_approval):
    """People referred to a lawful pathway."""
    return centre_screened * centre_approval


@flow("person/month", leaves="centre_screening", source="register M14")
def centre_not_referred(centre_screened, centre_approval):
    """People for whom no pathway is found."""
    return centre_screened * (1 - centre_approval)


@stock("person", source="the centres opened in June 2023")
def centre_referred(no_person):
    """People referred by a centre and waiting to travel."""
    return no_person


@flow(
    "person/month",
    leaves="centre_referred",
    source="register M14: arrival given referral, delay; within the refugee places",
)
def centre_arrivals(centre_referred, referral_delay, arrival_share, refugee_places):
    """People who travel lawfully through a centre."""
    return minimum(centre_referred / referral_delay * arrival_share, refugee_places)


@flow("person/month", leaves="centre_referred", source="register M14")
def centre_dropped(centre_referred, referral_delay, arrival_share):
    """People referred who do not travel in the end."""
    return centre_referred / referral_delay * (1 - arrival_share)


@aux("month", source="definition: a queue by what is served, Little's law")
def centre_wait(centre_referred, centre_arrivals, centre_dropped):
    """Months that people referred by a centre wait to travel at the present pace."""
    return ratio(centre_referred, centre_arrivals + centre_dropped)


@flow("person/month", enters="parole_travelling", over=ORIGIN, source="OHSS: authorisations follow the places offered")
def parole_authorised(parole_places, parole_fill):
    """People authorised to travel by parole with a sponsor."""
    return parole_places * parole_fill


@stock("person", over=ORIGIN, source="the programme began in October 2022")
def parole_travelling(no_people):
    """People authorised to travel by parole who have not arrived yet."""
    return no_people


@flow(
    "person/month",
    leaves="parole_travelling",
    over=ORIGIN,
    source="policy calendar notes, part 2: arrivals lag authorisations",
)
def parole_arrivals(parole_travelling, parole_delay):
    """People who arrive by parole with a sponsor."""
    return parole_travelling / parole_delay


@aux("person/month", source="assumption: the places are used; those not used by centres go to others")
def refugees_otherwise(refugee_places, centre_arrivals):
    """Refugees resettled from the region who did not come through a centre."""
    return refugee_places - centre_arrivals


@flow("person/month", enters="work_visas_travelling", source="State Department: visas issued, taken as the lever")
def work_visas_issued(temporary_work_visas):
    """People given a visa for temporary work."""
    return temporary_work_visas


@stock("person", source="assumption: a season's delay at the usual number")
def work_visas_travelling(work_visas_reference, work_visa_delay):
    """People with a visa for temporary work who have not travelled yet."""
    return work_visas_reference * work_visa_delay


@flow("person/month", leaves="work_visas_travelling", source="assumption: first-order delay")
def work_visa_arrivals(work_visas_travelling, work_visa_delay):
    """People who arrive for temporary work."""
    return work_visas_travelling / work_visa_delay


@aux("person/month", over=ORIGIN, source="register M15: wide prior, no causal estimate found; other ways: assumption")
def avoided_by_pathways(
    centre_arrivals,
    centre_replacement,
    centre_origin_share,
    work_visa_arrivals,
    work_visas_reference,
    work_visa_replacement,
    work_visa_origin_share,
):
    """Departures that do not happen because people travel through a centre, or for work beyond the usual number."""
    by_centres = centre_arrivals * centre_replacement * centre_origin_share
    more_work = work_visa_arrivals - work_visas_reference
    return by_centres + more_work * work_visa_replacement * work_visa_origin_share


@aux("person/month", source="definition")
def lawful_arrivals(parole_arrivals, centre_arrivals, refugees_otherwise, appointments_given, received_by_exception):
    """People who arrive by parole, as refugees, through a centre, or at a port by appointment or exception."""
    refugees = centre_arrivals + refugees_otherwise
    at_ports = total(appointments_given, ORIGIN) + total(received_by_exception, ORIGIN)
    return total(parole_arrivals, ORIGIN) + refugees + at_ports


@aux("1", source="definition")
def lawful_share(lawful_arrivals, encounters_between_ports_total, event_per_person):
    """Share of people arriving who move lawfully, of lawful arrivals and encounters between ports."""
    return lawful_arrivals / (lawful_arrivals + encounters_between_ports_total / event_per_person)
