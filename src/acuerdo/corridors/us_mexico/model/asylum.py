"""Asylum in Mexico: the queue, its capacity, and support while waiting."""

from acuerdo.engine.declare import Sector
from acuerdo.engine.ops import clip, exp, maximum, ratio, total

sector = Sector("asylum")
aux, flow, stock, level = sector.aux, sector.flow, sector.stock, sector.level
ORIGIN = "origin"


@aux("1", source="register M16: demand; a shorter wait makes the claim more attractive (assumption)")
def claim_attraction(claim_wait_effect, waiting_time, patience):
    """How attractive a claim in Mexico is, by the wait that people expect."""
    return exp(-claim_wait_effect * ratio(waiting_time, patience))


@flow("person/month", leaves="in_transit", enters="asylum_pending", over=ORIGIN, source="register M16")
def asylum_applications(in_transit, claim_rate, claim_practice, claim_attraction):
    """People who ask for asylum in Mexico."""
    return in_transit * claim_rate * exp(claim_practice) * claim_attraction


@stock("person", over=ORIGIN, source="UNHCR: pending at the end of 2017, by origin")
def asylum_pending(initial_asylum_pending):
    """People whose asylum claim is pending in Mexico."""
    return initial_asylum_pending


@aux("person", source="definition")
def asylum_pending_total(asylum_pending):
    """Asylum claims pending in Mexico, all origins."""
    return total(asylum_pending, ORIGIN)


@aux("person/month", source="register M16: decisions a month")
def decision_capacity(asylum_decisions, decision_backlog_share, asylum_pending_total):
    """Decisions that can be made in a month; never more than a share of the queue."""
    return asylum_decisions * (1 - exp(-ratio(asylum_pending_total * decision_backlog_share, asylum_decisions)))


@aux("person/month", over=ORIGIN, source="definition: capacity shared by the queue")
def decided(decision_capacity, asylum_pending):
    """Claims decided on the merits."""
    return decision_capacity * ratio(asylum_pending, total(asylum_pending, ORIGIN))


@flow("person/month", leaves="asylum_pending", over=ORIGIN, source="register M16: positive share")
def recognised(decided, positive_share, complementary_share):
    """People recognised as refugees in Mexico."""
    return decided * positive_share * (1 - complementary_share)


@flow("person/month", leaves="asylum_pending", over=ORIGIN, source="register M16: positive share")
def complementary_protection(decided, positive_share, complementary_share):
    """People given complementary protection in Mexico."""
    return decided * positive_share * complementary_share


@flow("person/month", leaves="asylum_pending", over=ORIGIN, source="register M16: positive share")
def rejected(decided, positive_share):
    """People whose claim is rejected."""
    return decided * (1 - positive_share)


# First in, first out: decisions go to the oldest claims. The oldest claim still pending is `waiting_time` old; it ages
# a month a month, and gets younger as decisions eat into the head of the queue. How thick the head is follows from the
# size of the queue and from how many of each month's claimants have stayed (exponential survival since they came, with
# arrivals taken as even over the wait; a test compares this with a queue that keeps every month's claimants apart).


@level("month", initial="initial_wait", source="definition: age of the oldest claim in a queue, first in, first out")
def waiting_time(waiting_time, decision_capacity, asylum_pending_total, head_of_queue, time_step):
    """Wait for a decision in Mexico: months since those who are decided now made their claim."""
    cleared = ratio(decision_capacity, asylum_pending_total * head_of_queue)
    return maximum(1 - cleared, -waiting_time / (2 * time_step))


@aux("1/month", source="definition: survivors of the oldest month's claimants, by the number pending")
def head_of_queue(abandonment_rate, waiting_time):
    """Share of the pending claims that belongs to the oldest month of claimants."""
    return abandonment_rate / (exp(maximum(abandonment_rate * waiting_time, 0.01)) - 1)


@aux("month", source="definition: mean age of claims that leave by decision at the head or by giving up")
def mean_age(waiting_time, base_abandonment):
    """Months that people now in the queue have waited on average."""
    leaving = clip(base_abandonment * waiting_time, 0.05, 20.0)
    return waiting_time * (1 / leaving - 1 / (exp(leaving) - 1))


@aux("1/month", source="register M16 and M17: abandonment grows with waiting, falls with support")
def abandonment_rate(base_abandonment, mean_age, patience, support_coverage, onward_risk_supported):
    """Chance a month that a person in the queue gives up the claim."""
    return base_abandonment * (1 + mean_age / patience) * (1 - (1 - onward_risk_supported) * support_coverage)


@aux("person/month", over=ORIGIN, source="definition")
def abandoning(asylum_pending, abandonment_rate):
    """People who give up their claim."""
    return asylum_pending * abandonment_rate


@flow(
    "person/month",
    leaves="asylum_pending",
    enters="in_transit",
    over=ORIGIN,
    source="register M17: onward moves, assumption",
)
def moved_on_from_queue(abandoning, onward_share):
    """People who give up the claim and go on north."""
    return abandoning * onward_share


@flow("person/month", leaves="asylum_pending", over=ORIGIN, source="assumption")
def left_queue(abandoning, onward_share):
    """People who give up the claim and stay, leave or go home."""
    return abandoning * (1 - onward_share)


@aux("person/month", source="definition")
def asylum_applications_total(asylum_applications):
    """Asylum applications in Mexico, all origins."""
    return total(asylum_applications, ORIGIN)


@aux("person/month", source="definition")
def protected_in_mexico(recognised, complementary_protection):
    """People given protection in Mexico."""
    return total(recognised, ORIGIN) + total(complementary_protection, ORIGIN)


@aux("person/month", source="definition")
def recognised_total(recognised):
    """People recognised as refugees in Mexico, all origins."""
    return total(recognised, ORIGIN)


@aux("person/month", source="definition")
def complementary_total(complementary_protection):
    """People given complementary protection in Mexico, all origins."""
    return total(complementary_protection, ORIGIN)


@aux("person/month", source="definition")
def rejected_total(rejected):
    """Claims rejected in Mexico, all origins."""
    return total(rejected, ORIGIN)


@stock("case", source="UNHCR: pending at the end of 2017; the part of it that had been given up is an assumption")
def abandoned_files(initial_abandoned_files):
    """Files still counted as pending though the person has given up the claim."""
    return initial_abandoned_files


@flow("case/month", enters="abandoned_files", source="definition")
def files_abandoned(abandoning, case_per_person):
    """Files left open by people who give up their claim."""
    return total(abandoning, ORIGIN) * case_per_person


@flow("case/month", leaves="abandoned_files", source="UNHCR: claims otherwise closed")
def otherwise_closed(abandoned_files, closing_rate):
    """Claims closed without a decision on the merits."""
    return abandoned_files * closing_rate


@aux("case", source="UNHCR: pending as counted, with files of people who have left")
def asylum_files_pending(asylum_pending_total, case_per_person, abandoned_files):
    """Asylum claims counted as pending in Mexico."""
    return asylum_pending_total * case_per_person + abandoned_files


@aux("person", source="definition")
def supported_people(asylum_pending_total, support_coverage):
    """People in the queue who get shelter, work or cash."""
    return asylum_pending_total * support_coverage
