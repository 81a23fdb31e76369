"""Lawful pathways from home or in transit: centres, parole with sponsors."""

from acuerdo.engine.declare import Sector
from acuerdo.engine.ops import total

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


@flow("person/month", leaves="centre_referred", source="register M14: arrival given referral, delay")
def centre_arrivals(centre_referred, referral_delay, arrival_share):
    """People who travel lawfully through a centre."""
    return centre_referred / referral_delay * arrival_share


@flow("person/month", leaves="centre_referred", source="register M14")
def centre_dropped(centre_referred, referral_delay, arrival_share):
    """People referred who do not travel in the end."""
    return centre_referred / referral_delay * (1 - arrival_share)


@aux("person/month", over=ORIGIN, source="register M15: wide prior, no causal estimate found")
def avoided_by_centres(centre_arrivals, centre_replacement, centre_origin_share):
    """Departures that do not happen because people travel through a centre."""
    return centre_arrivals * centre_replacement * centre_origin_share


@aux("person/month", over=ORIGIN, source="OHSS: paroles follow the places offered")
def parole_arrivals(parole_places, parole_fill):
    """People who arrive by parole with a sponsor."""
    return parole_places * parole_fill


@aux("person/month", source="definition")
def lawful_arrivals(parole_arrivals, centre_arrivals, appointments_used):
    """People who arrive by parole, through a centre or by appointment."""
    return total(parole_arrivals, ORIGIN) + centre_arrivals + total(appointments_used, ORIGIN)


@aux("1", source="definition")
def lawful_share(lawful_arrivals, encounters_between_ports_total, event_per_person):
    """Share of people arriving who move lawfully, of lawful arrivals and encounters between ports."""
    return lawful_arrivals / (lawful_arrivals + encounters_between_ports_total / event_per_person)
