"""Synthetic opioids: from precursor to death. Amounts are kilograms of pure fentanyl; precursors, of what they make."""

from acuerdo.engine.declare import Sector
from acuerdo.engine.ops import exp, maximum, minimum, power, ratio

sector = Sector("opioids")
aux, flow, stock, level = sector.aux, sector.flow, sector.stock, sector.level


# ---- supply


@aux("1", source="register D8, D7, D14, D15: controls, sanctions, operations; those agreed need cooperation")
def supply_discouragement(
    precursor_effect,
    precursor_control_felt,
    sanctions_effect,
    financial_sanctions_felt,
    sanctions_reference,
    military_supply_effect,
    military_action_felt,
    cooperation_factor,
):
    """Reduction of the precursors that reach the producers, in logs."""
    control = precursor_effect * precursor_control_felt * cooperation_factor
    sanctions = sanctions_effect * (financial_sanctions_felt / sanctions_reference - 1)
    return control + sanctions + military_supply_effect * military_action_felt


@level("1", initial="unchanged", source="assumption (structure): supply rises and falls over years, not month by month")
def supply_gathered(supply_gathered, supply_trend, one_month, supply_memory):
    """What the trend of supply has added up to, in logs, by what it does to deaths."""
    return supply_trend / one_month - supply_gathered / supply_memory


@flow("kg/month", enters="precursors", source="assumption for the level (register D2); latent series for the change")
def precursor_imports(precursor_base, supply_pressure, supply_gathered, supply_elasticity, supply_discouragement):
    """Precursors that reach producers, in the fentanyl they make."""
    return precursor_base * exp((supply_pressure + supply_gathered) / supply_elasticity - supply_discouragement)


@stock("kg", source="assumption: about a month of use")
def precursors(precursor_base, precursor_time):
    """Precursors held by producers, in the fentanyl they make."""
    return precursor_base * precursor_time


@flow("kg/month", leaves="precursors", enters="fentanyl_in_mexico", source="assumption: time to make")
def production(
    precursors, precursor_time, laboratory_loss, laboratory_operations, laboratory_reference, cooperation_factor
):
    """Fentanyl produced."""
    stopped = laboratory_loss * laboratory_operations / laboratory_reference * cooperation_factor
    return precursors / precursor_time * (1 - minimum(stopped, 0.9))


@flow("kg/month", leaves="precursors", source="assumption: what laboratories lose when they are found")
def precursors_lost(
    precursors, precursor_time, laboratory_loss, laboratory_operations, laboratory_reference, cooperation_factor
):
    """Precursors and product lost in laboratories that are found."""
    stopped = laboratory_loss * laboratory_operations / laboratory_reference * cooperation_factor
    return precursors / precursor_time * minimum(stopped, 0.9)


@stock("kg", source="assumption: weeks of production")
def fentanyl_in_mexico(precursor_base, shipping_time):
    """Fentanyl in Mexico, waiting to be shipped."""
    return precursor_base * shipping_time


@flow(
    "kg/month",
    leaves="fentanyl_in_mexico",
    source="assumption: small share, from the Mexican seizures held in the figures",
)
def seized_in_mexico(fentanyl_in_mexico, mexican_seizure_rate, cooperation_factor):
    """Fentanyl seized inside Mexico."""
    return fentanyl_in_mexico * mexican_seizure_rate * cooperation_factor


@aux("kg/month", source="definition")
def shipped(fentanyl_in_mexico, shipping_time, time_step):
    """Fentanyl sent to the border."""
    return fentanyl_in_mexico * (1 - exp(-time_step / shipping_time)) / time_step


@aux(
    "1",
    source="register D2 and D3: interdiction at ports; scans find a share of what they see; fewer officers find less",
)
def port_seizure_share(
    port_seizure_base, seizure_practice, detection_if_scanned, scanning_share, scanning_start, cargo_officers
):
    """Share of what is shipped through ports that is seized."""
    base = port_seizure_base * exp(seizure_practice) * cargo_officers
    more = (1 - port_seizure_base) * detection_if_scanned * (scanning_share - scanning_start)
    return minimum(maximum(base + more, 0.0), 0.95)


@aux("1", source="assumption: interdiction between ports, moving with that at ports")
def between_seizure(between_seizure_share, seizure_practice):
    """Share of what is shipped between ports that is seized."""
    return minimum(between_seizure_share * exp(seizure_practice), 0.95)


@flow("kg/month", leaves="fentanyl_in_mexico", source="register D1 and D2")
def seized_at_ports(shipped, port_flow_share, port_seizure_share):
    """Fentanyl seized at ports of entry."""
    return shipped * port_flow_share * port_seizure_share


@flow("kg/month", leaves="fentanyl_in_mexico", source="register D1 and D2")
def seized_between_ports(shipped, port_flow_share, between_seizure):
    """Fentanyl seized between ports of entry."""
    return shipped * (1 - port_flow_share) * between_seizure


@flow("kg/month", leaves="fentanyl_in_mexico", enters="fentanyl_in_us", source="definition")
def smuggled_in(shipped, port_flow_share, port_seizure_share, between_seizure):
    """Fentanyl that reaches the market in the United States."""
    through_ports = port_flow_share * (1 - port_seizure_share)
    return shipped * (through_ports + (1 - port_flow_share) * (1 - between_seizure))


@stock("kg", source="assumption: about a month of use")
def fentanyl_in_us(precursor_base, market_time):
    """Fentanyl in the market in the United States."""
    return precursor_base * market_time


@flow("kg/month", leaves="fentanyl_in_us", source="definition")
def consumed(fentanyl_in_us, market_time, time_step):
    """Fentanyl used in the United States."""
    return fentanyl_in_us * (1 - exp(-time_step / market_time)) / time_step


@aux("1", source="register D7: effective supply (purity by availability), against the reference")
def effective_supply(consumed, reference_consumption):
    """Fentanyl that reaches people who use, 1 at the reference."""
    return maximum(consumed / reference_consumption, 0.001)


@aux("percent", source="register D5: purity follows supply; shape of the DEA series, not its level")
def powder_purity(purity_reference, purity_elasticity, effective_supply):
    """Purity of powder."""
    return purity_reference * power(effective_supply, purity_elasticity)


@aux("mg", source="register D5: content of pills follows supply")
def pill_content(pill_reference, pill_elasticity, effective_supply):
    """Fentanyl in a pill."""
    return pill_reference * power(effective_supply, pill_elasticity)


@aux("1", source="assumption; register D4 gives the drift of the price only")
def price_index(price_elasticity, effective_supply):
    """Price of pure fentanyl, 1 at the reference."""
    return power(effective_supply, -price_elasticity)


@aux("lb/month", source="register D1, D2: gross weight is pure weight by purity of the mix")
def seized_at_ports_gross(seized_at_ports, mix_purity, lb_per_kg):
    """Gross weight seized at ports of entry."""
    return seized_at_ports / mix_purity * lb_per_kg


@aux("lb/month", source="register D1, D2")
def seized_between_ports_gross(seized_between_ports, mix_purity, lb_per_kg):
    """Gross weight seized between ports of entry."""
    return seized_between_ports / mix_purity * lb_per_kg


# ---- people


@stock("person", source="NSDUH 2022 (over 6 million people with opioid use disorder, 12+), less those in treatment")
def using_opioids(initial_using):
    """People who use illicit opioids and are not in treatment."""
    return initial_using


@stock("person", source="SOURCE input series: people in treatment with medication")
def in_treatment(initial_in_treatment):
    """People in treatment with medication."""
    return initial_in_treatment


@stock("person", source="assumption; SOURCE has remission as a stock of its own (register D12)")
def in_remission(initial_in_remission):
    """People in remission."""
    return initial_in_remission


@flow("person/month", enters="using_opioids", source="assumption")
def initiation(initiation_base):
    """People who begin to use illicit opioids in a way that puts them at risk."""
    return initiation_base


@aux("person/month", source="definition: entries that hold treatment at the wanted coverage, limited in pace")
def treatment_wanted(treatment_coverage, using_opioids, in_treatment, treatment_exit_rate, treatment_adjustment):
    """People who would have to enter treatment for the wanted coverage."""
    aim = treatment_coverage * (using_opioids + in_treatment)
    return maximum(in_treatment * treatment_exit_rate + (aim - in_treatment) / treatment_adjustment, 0.0)


@flow(
    "person/month",
    leaves="using_opioids",
    enters="in_treatment",
    source="register D12: treatment as a stock; pace is an assumption",
)
def treatment_entry(treatment_wanted, using_opioids, treatment_entry_most):
    """People who enter treatment."""
    return minimum(treatment_wanted, using_opioids * treatment_entry_most)


@flow("person/month", leaves="in_treatment", enters="using_opioids", source="register D12")
def treatment_exit(in_treatment, treatment_exit_rate, treatment_success):
    """People who leave treatment and use again."""
    return in_treatment * treatment_exit_rate * (1 - treatment_success)


@flow("person/month", leaves="in_treatment", enters="in_remission", source="register D12")
def remission_from_treatment(in_treatment, treatment_exit_rate, treatment_success):
    """People who leave treatment in remission."""
    return in_treatment * treatment_exit_rate * treatment_success


@flow("person/month", leaves="using_opioids", enters="in_remission", source="assumption")
def remission_unaided(using_opioids, quit_rate):
    """People who stop without treatment."""
    return using_opioids * quit_rate


@flow("person/month", leaves="in_remission", enters="using_opioids", source="assumption")
def relapse(in_remission, relapse_rate):
    """People in remission who use again."""
    return in_remission * relapse_rate


@flow("person/month", leaves="in_remission", source="assumption")
def stable_recovery(in_remission, recovery_rate):
    """People who leave risk for good."""
    return in_remission * recovery_rate


@level("1", initial="unit_start", source="register D12; doubts noted in register D7: those at highest risk die first")
def risk_left(risk_left, depletion, risk_renewal, fatal_hazard, hazard_reference):
    """Average risk of those who use, 1 at the reference; falls when many at high risk have died."""
    return (1 - risk_left) / risk_renewal - depletion * risk_left * (fatal_hazard / hazard_reference - 1)


@aux("1", source="register D9 and D10: small effect, saturating in kits")
def naloxone_effect(naloxone_reduction, naloxone_kits, kits_half, kits_reference):
    """Multiplier of fatal overdose by naloxone in reach, 1 at the reference number of kits."""
    reached = naloxone_kits / (naloxone_kits + kits_half)
    usual = kits_reference / (kits_reference + kits_half)
    return (1 - naloxone_reduction * reached) / (1 - naloxone_reduction * usual)


@aux("1/month", source="register D7: deaths follow effective supply with an elasticity below 1")
def fatal_hazard(hazard_reference, effective_supply, supply_elasticity, risk_left, naloxone_effect, death_season):
    """Chance a month that a person who uses dies of a synthetic opioid."""
    return hazard_reference * power(effective_supply, supply_elasticity) * risk_left * naloxone_effect * death_season


@aux("1", source="assumption: one yearly harmonic")
def death_season(death_cos, death_sin, year_cos_1, year_sin_1):
    """Seasonal multiplier of overdose deaths."""
    return exp(death_cos * year_cos_1 + death_sin * year_sin_1)


@flow("person/month", leaves="using_opioids", source="definition")
def deaths_while_using(using_opioids, fatal_hazard):
    """Synthetic opioid deaths of people not in treatment."""
    return using_opioids * fatal_hazard


@flow("person/month", leaves="in_treatment", source="register D11: hazard in treatment relative to use")
def deaths_in_treatment(in_treatment, fatal_hazard, treatment_hazard):
    """Synthetic opioid deaths of people in treatment."""
    return in_treatment * fatal_hazard * treatment_hazard


@aux("person/month", source="definition")
def synthetic_opioid_deaths(deaths_while_using, deaths_in_treatment):
    """Overdose deaths with a synthetic opioid."""
    return deaths_while_using + deaths_in_treatment


@aux("person/month", source="definition: what is left of precursors at each stage, at the present rates")
def deaths_in_prospect(
    precursor_imports,
    production,
    precursors_lost,
    smuggled_in,
    seized_in_mexico,
    seized_at_ports,
    seized_between_ports,
    reference_consumption,
    supply_elasticity,
    hazard_reference,
    risk_left,
    naloxone_effect,
    using_opioids,
    in_treatment,
    treatment_hazard,
):
    """Deaths a month that this month's precursors lead to if rates stay as they are."""
    made = precursor_imports * ratio(production, production + precursors_lost)
    seized = seized_in_mexico + seized_at_ports + seized_between_ports
    supply = maximum(made * ratio(smuggled_in, smuggled_in + seized) / reference_consumption, 0.001)
    hazard = hazard_reference * power(supply, supply_elasticity) * risk_left * naloxone_effect
    return (using_opioids + in_treatment * treatment_hazard) * hazard


@aux("person/month", source="assumption (structure): deaths without a synthetic opioid, a series of their own")
def other_overdose_deaths(other_deaths_base, other_deaths_pressure, death_season):
    """Overdose deaths without a synthetic opioid."""
    return other_deaths_base * exp(other_deaths_pressure) * death_season


@aux("person/month", source="definition")
def overdose_deaths(synthetic_opioid_deaths, other_overdose_deaths):
    """Overdose deaths, all drugs."""
    return synthetic_opioid_deaths + other_overdose_deaths


@aux("event/month", source="assumption: non-fatal overdoses for each fatal one; naloxone moves deaths to survivals")
def nonfatal_overdoses(synthetic_opioid_deaths, nonfatal_per_fatal, naloxone_effect):
    """Overdoses that people survive."""
    return synthetic_opioid_deaths * nonfatal_per_fatal / naloxone_effect


@aux("USD/month", source="assumption: value at the wholesale stage, by price")
def drug_revenue(smuggled_in, wholesale_price, price_index):
    """What the organisations earn from fentanyl."""
    return smuggled_in * wholesale_price * price_index


@aux("person", source="SOURCE input series: buprenorphine patients of a year; the share is an assumption")
def treated_buprenorphine(in_treatment, buprenorphine_share):
    """People in treatment with buprenorphine."""
    return in_treatment * buprenorphine_share


@aux("person", source="SOURCE input series: methadone patients at a point in time")
def treated_methadone(in_treatment, buprenorphine_share):
    """People in treatment with methadone."""
    return in_treatment * (1 - buprenorphine_share)
