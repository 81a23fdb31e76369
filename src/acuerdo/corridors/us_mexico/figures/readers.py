"""How the source tables become rows of the snapshot: one small function a series or family of series.

Every table is a CSV with the columns date, series, group, value, unit, source, vintage. Nothing is interpolated. Two
things are derived, and the row's `source` says so: OTH is the total minus the named origins, and a few totals are
sums of rows. A row that must not be used carries its reason in `aside`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

MIGRATION, TRANSIT, DRUGS = "us_migration", "mexico_transit", "drugs_trade"

TABLES = (
    f"{DRUGS}/border_crossings_monthly.csv",
    f"{DRUGS}/cbp_drug_seizures_fiscal_year.csv",
    f"{DRUGS}/cbp_drug_seizures_monthly.csv",
    f"{DRUGS}/fentanyl_market_and_seizures.csv",
    f"{DRUGS}/macro_monthly.csv",
    f"{DRUGS}/ofac_counternarcotics_listings.csv",
    f"{DRUGS}/overdose_deaths_12month_ending.csv",
    f"{DRUGS}/overdose_deaths_single_month.csv",
    f"{DRUGS}/overdose_deaths_yearly.csv",
    f"{DRUGS}/source_model_timeseries.csv",
    f"{DRUGS}/treatment_facts.csv",
    f"{DRUGS}/us_mexico_goods_trade.csv",
    f"{TRANSIT}/iom_missing_migrants_as_reported.csv",
    f"{TRANSIT}/iom_missing_migrants_monthly.csv",
    f"{TRANSIT}/legal_pathways_as_reported.csv",
    f"{TRANSIT}/mexico_comar_as_reported.csv",
    f"{TRANSIT}/mexico_homicides_monthly.csv",
    f"{TRANSIT}/mexico_remittances_monthly.csv",
    f"{TRANSIT}/mexico_repatriations_from_us_as_reported.csv",
    f"{TRANSIT}/mexico_upm_as_reported.csv",
    f"{TRANSIT}/mexico_upm_irregular_events_monthly.csv",
    f"{TRANSIT}/mexico_upm_returns_monthly.csv",
    f"{TRANSIT}/panama_darien_as_reported.csv",
    f"{TRANSIT}/panama_darien_transits.csv",
    f"{TRANSIT}/smuggling_use_and_fees_as_reported.csv",
    f"{TRANSIT}/unhcr_asylum_applications_mex_usa.csv",
    f"{TRANSIT}/unhcr_asylum_decisions_mex_usa.csv",
    f"{TRANSIT}/unhcr_population_stocks_mex_usa.csv",
    f"{TRANSIT}/us_h2_visas_fiscal_year.csv",
    f"{TRANSIT}/us_refugee_admissions_latin_america.csv",
    f"{MIGRATION}/us_affirmative_asylum_backlog.csv",
    f"{MIGRATION}/us_cbp_one_chnv_monthly.csv",
    f"{MIGRATION}/us_credible_fear_monthly.csv",
    f"{MIGRATION}/us_immigration_court_backlog.csv",
    f"{MIGRATION}/us_mpp_monthly.csv",
    f"{MIGRATION}/us_removals_returns_monthly.csv",
    f"{MIGRATION}/us_sw_bookouts_monthly.csv",
    f"{MIGRATION}/us_sw_encounters_monthly_by_citizenship.csv",
    f"{MIGRATION}/us_sw_encounters_monthly_by_citizenship_ohss_fy2014_2024.csv",
    f"{MIGRATION}/us_sw_encounters_monthly_detail.csv",
    f"{MIGRATION}/us_sw_encounters_monthly_totals.csv",
    f"{MIGRATION}/us_title42_expulsions_monthly.csv",
    f"{MIGRATION}/us_usbp_sw_apprehensions_monthly_fy2000on.csv",
    f"{MIGRATION}/us_usbp_sw_by_citizenship_monthly_fy2000on.csv",
)

NAMES = {
    "Mexico": "MEX",
    "Guatemala": "GTM",
    "Honduras": "HND",
    "El Salvador": "SLV",
    "Nicaragua": "NIC",
    "Cuba": "CUB",
    "Haiti": "HTI",
    "Venezuela": "VEN",
    "Colombia": "COL",
    "Ecuador": "ECU",
    "Peru": "PER",
}
"""Origins that have a code of their own; everything else is OTH."""

CODES = {code: code for code in NAMES.values()}
ALL_NAMES = NAMES | {"All": "ALL"}
ALL_CODES = CODES | {"ALL": "ALL"}
TOTAL = {"All": "ALL", "ALL": "ALL", "MEXICO_ALL": "ALL"}

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY_IN_TEXT = re.compile(rf"\b(\d{{1,2}}) ({'|'.join(_MONTHS)})[a-z]* (\d{{4}})\b")
_EDITIONS = {
    "edition with data through May 2025 (June 2025)": "2025-06",
    "FYTD August 2025 edition": "2025-09",
    "fy25m11 edition (data through Nov 2024)": "2025-08",
    "FY2020 edition": "2020-12",
}
"""Vintages that are editions, and the month each stands for (fy25m11 is read as fiscal month 11 of FY2025)."""

Period = tuple[str, pd.Timestamp, pd.Timestamp]
_NO_PERIOD: Period = ("", pd.NaT, pd.NaT)  # type: ignore[assignment]


@dataclass
class Tables:
    """The source tables of a folder, each read once."""

    folder: Path
    held: dict[str, pd.DataFrame] = field(default_factory=dict)

    def __call__(self, part: str, name: str, *series: str) -> pd.DataFrame:
        """Return the rows of a table that belong to the named series of that table."""
        path = f"{part}/{name}.csv"
        if path not in self.held:
            frame = pd.read_csv(self.folder / path, dtype=str, keep_default_na=False)
            self.held[path] = frame.assign(table=path, line=frame.index + 2)
        frame = self.held[path]
        return frame[frame["series"].isin(series)] if series else frame


def month_end(year: int, month: int) -> pd.Timestamp:
    """Return the last day of a month."""
    return pd.Timestamp(year=year, month=month, day=1) + pd.offsets.MonthEnd(0)


def period(text: str, fiscal: bool = False) -> Period:
    """Read a date of the source tables: frequency, first and last day. A US fiscal year ends on 30 September."""
    try:
        if match := re.fullmatch(r"(FY)?(\d{4})", text):
            year = int(match[2])
            if match[1] or fiscal:
                return "fiscal_year", pd.Timestamp(year - 1, 10, 1), pd.Timestamp(year, 9, 30)
            return "year", pd.Timestamp(year, 1, 1), pd.Timestamp(year, 12, 31)
        if match := re.fullmatch(r"(\d{4})-(\d{2})", text):
            end = month_end(int(match[1]), int(match[2]))
            return "month", end.replace(day=1), end
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return "day", pd.Timestamp(text), pd.Timestamp(text)
        if match := re.fullmatch(r"(\d{4})-(\d{2})/(\d{4})-(\d{2})", text):
            first, last = month_end(int(match[1]), int(match[2])), month_end(int(match[3]), int(match[4]))
            return "span", first.replace(day=1), last
        if match := re.fullmatch(r"(\d{4})-H([12])", text):
            year, half = int(match[1]), int(match[2])
            return "span", pd.Timestamp(year, 6 * half - 5, 1), month_end(year, 6 * half)
    except ValueError:
        pass
    return _NO_PERIOD


def vintage_day(vintage: str) -> pd.Timestamp:
    """Return the day a vintage stands for: the last day of its month or year, or NaT if it is not known."""
    text = _EDITIONS.get(vintage, vintage)
    try:
        if match := re.match(r"(\d{4})-(\d{2})-(\d{2})\b", text):
            return pd.Timestamp(match[0])
        if match := re.match(r"(\d{4})-(\d{2})\b", text):
            return month_end(int(match[1]), int(match[2]))
        if match := re.fullmatch(r"(?:FY)?(\d{4})(?: report)?", text):
            return pd.Timestamp(int(match[1]), 12, 31)
    except ValueError:
        pass
    return pd.NaT  # type: ignore[return-value]


def print_day(vintage: str, source: str) -> pd.Timestamp:
    """Return the day of a print: the day in the source text if it fits the vintage, else the vintage's last day."""
    held = vintage_day(vintage)
    if not re.fullmatch(r"\d{4}(-\d{2})?", vintage):
        return held
    for day, month, year in _DAY_IN_TEXT.findall(source):
        try:
            found = pd.Timestamp(int(year), _MONTHS.index(month) + 1, int(day))
        except ValueError:
            continue
        if str(found.date()).startswith(vintage):
            return found
    return held


def make(
    frame: pd.DataFrame,
    series: str,
    member: str | Mapping[str, str] | Callable[[str], str | None],
    unit: str,
    *,
    printed: bool = False,
    fiscal: bool = False,
    aside: str = "",
    note: str = "",
    frequency: str | None = None,
    start: pd.Timestamp | None = None,
) -> pd.DataFrame:
    """Turn rows of a source table into rows of the snapshot.

    Args:
        frame: rows of a source table.
        series: id of the series in the catalogue.
        member: the member of all rows, or how it follows from `group` (groups without one are left out).
        unit: short unit of the catalogue; the table's own words are kept in the source where they say more.
        printed: the rows come from dated prints.
        fiscal: years are US fiscal years.
        aside: why the rows are set aside, if they are.
        note: words to add to the source.
        frequency: the frequency to give instead of the one that the date has.
        start: the first day of the periods, where the date only gives the last.
    """
    if isinstance(member, str):
        members = pd.Series(member, index=frame.index, dtype=object)
    else:
        members = frame["group"].map(member)
    frame = frame[members.notna()]
    periods = {text: period(text, fiscal) for text in frame["date"].unique()}
    found = [periods[text] for text in frame["date"]]
    days = [
        print_day(vintage, source) if printed else vintage_day(vintage)
        for vintage, source in zip(frame["vintage"], frame["source"], strict=True)
    ]
    return pd.DataFrame(
        {
            "series": series,
            "frequency": [frequency or item[0] for item in found],
            "start": pd.Series([start or item[1] for item in found], index=frame.index, dtype="datetime64[s]"),
            "end": pd.Series([item[2] for item in found], index=frame.index, dtype="datetime64[s]"),
            "member": members[members.notna()],
            "value": pd.to_numeric(frame["value"], errors="coerce").astype(float),
            "unit": unit,
            "source": [
                _cite(source, words, unit, note) for source, words in zip(frame["source"], frame["unit"], strict=True)
            ],
            "vintage": frame["vintage"],
            "vintage_day": pd.Series(days, index=frame.index, dtype="datetime64[s]"),
            "printed": printed,
            "aside": aside,
            "table": frame["table"],
            "line": frame["line"],
        },
        index=frame.index,
    )


def _cite(source: str, words: str, unit: str, note: str) -> str:
    text = source if words.lower() in (unit.lower(), "persons", "") else f"{source} [{words}]"
    return f"{text} ({note})" if note else text


def with_rest(rows: pd.DataFrame, named: Iterable[str] = CODES) -> pd.DataFrame:
    """Add OTH, the total minus the named members, for periods that have a total and a named member but no OTH yet."""
    good = rows[rows["aside"] == ""]
    key = ["frequency", "start", "end"]
    done = pd.MultiIndex.from_frame(good.loc[good["member"] == "OTH", key])
    good = good[~pd.MultiIndex.from_frame(good[key]).isin(done)]
    parts = good[good["member"].isin(list(named))].groupby(key)
    sums = parts.agg(parts=("value", lambda part: part.sum(skipna=False)), newest=("vintage_day", "max"))
    total = good[good["member"] == "ALL"].join(sums, on=key, how="inner")
    rest = total.assign(
        member="OTH",
        value=total["value"] - total["parts"],
        vintage_day=total[["vintage_day", "newest"]].max(axis=1).astype("datetime64[s]"),
        source=total["source"] + " (OTH is the total minus the named origins)",
    )
    return pd.concat([rows, rest[rows.columns]], ignore_index=True)


def with_zeros(rows: pd.DataFrame, members: Iterable[str] = CODES) -> pd.DataFrame:
    """Add the zero of each member that the publisher's file has no record of in a month that it covers."""
    covered = rows.drop_duplicates(["start", "end"]).set_index("end")
    held = set(zip(rows["end"], rows["member"], strict=True))
    gaps = [(end, member) for end in covered.index for member in members if (end, member) not in held]
    if not gaps:
        return rows
    zeros = covered.loc[[end for end, _ in gaps]].reset_index()
    zeros = zeros.assign(
        member=[member for _, member in gaps],
        value=0.0,
        source=zeros["source"] + " (no record in the file for this origin and month: zero)",
    )
    return pd.concat([rows, zeros[rows.columns]], ignore_index=True)


def summed(rows: pd.DataFrame, member: str, note: str) -> pd.DataFrame:
    """Add up rows to one a period, as `member`."""
    first = rows.drop_duplicates(["start", "end", "vintage"])
    totals = rows.groupby(["start", "end", "vintage"])["value"].agg(lambda part: part.sum(skipna=False))
    values = [totals[key] for key in zip(first["start"], first["end"], first["vintage"], strict=True)]
    return first.assign(member=member, value=values, source=first["source"] + f" ({note})")


def others(name: str) -> str | None:
    """Return OTH for a citizenship without a code of its own, given as the last part of a group."""
    return None if name.rsplit(" | ", 1)[-1] in NAMES else "OTH"


_OTHERS_NOTE = "sum of the other citizenships in the file"

# United States: encounters and what follows them


def _encounters(t: Tables) -> list[pd.DataFrame]:
    out = []
    for series, code, tail in (
        ("us.encounters.between_ports", "USBP", "usbp"),
        ("us.encounters.at_ports", "OFO", "ofo"),
    ):
        total = t(MIGRATION, "us_sw_encounters_monthly_totals", "sw_encounters_by_component")
        parts = [make(total, series, {code: "ALL"}, "encounters")]
        recent = t(MIGRATION, "us_sw_encounters_monthly_by_citizenship", f"sw_encounters_by_citizenship_{tail}")
        rest = summed(make(recent, series, others, "encounters"), "OTH", _OTHERS_NOTE)
        parts.append(with_zeros(pd.concat([make(recent, series, NAMES, "encounters"), rest])))
        older = t(
            MIGRATION,
            "us_sw_encounters_monthly_by_citizenship_ohss_fy2014_2024",
            f"sw_encounters_by_citizenship_ohss_{tail}",
        )
        older = older[older["date"] < "2019-10"]
        parts.append(make(older, series, NAMES, "encounters"))
        if tail == "usbp":
            extra = t(MIGRATION, "us_usbp_sw_by_citizenship_monthly_fy2000on", "usbp_sw_by_citizenship_ohss")
            extra = extra[(extra["date"] >= "2013-10") & (extra["date"] < "2019-10")]
            parts.append(make(extra, series, {"Nicaragua": "NIC", "Peru": "PER"}, "encounters"))
        rows = with_rest(pd.concat(parts, ignore_index=True))
        if tail == "usbp":
            early = t(MIGRATION, "us_usbp_sw_apprehensions_monthly_fy2000on", "usbp_sw_total_cbp")
            rows = pd.concat([rows, make(early[early["date"] < "2013-10"], series, TOTAL, "encounters")])
        out.append(rows)
    totals, series = "us_sw_encounters_monthly_totals", "us.encounters.by_group"
    groups = {
        "Single adults": "single_adults",
        "Family unit individuals": "family_units",
        "Unaccompanied children": "unaccompanied",
        "Accompanied minors (OFO only)": "accompanied_minors",
    }
    out.append(make(t(MIGRATION, totals, "sw_encounters_total"), series, TOTAL, "encounters"))
    out.append(make(t(MIGRATION, totals, "sw_encounters_by_demographic"), series, groups, "encounters"))
    return out


def _title42(t: Tables) -> list[pd.DataFrame]:
    table = "us_title42_expulsions_monthly"
    series = "us.encounters.title42"
    citizenships = t(MIGRATION, table, "title42_expulsions_by_citizenship")
    rest = summed(make(citizenships, series, others, "expulsions"), "OTH", _OTHERS_NOTE)
    rows = with_zeros(pd.concat([make(citizenships, series, NAMES, "expulsions"), rest]))
    total = make(t(MIGRATION, table, "title42_expulsions_total"), series, TOTAL, "expulsions")
    between = "us.encounters.title42.between_ports"
    component = make(t(MIGRATION, table, "title42_expulsions_by_component"), between, {"USBP": "ALL"}, "expulsions")
    detail = t(MIGRATION, "us_sw_encounters_monthly_detail", "sw_encounters_detail")
    detail = detail[detail["group"].str.startswith("USBP | Title 42 | ")]
    cells = make(detail, between, lambda group: NAMES.get(group.rsplit(" | ", 1)[-1], "OTH"), "expulsions")
    note = "sum of the file's cells by demographic group"
    by_origin = [summed(part, str(code), note) for code, part in cells.groupby("member")]
    return [total, rows, component, with_zeros(pd.concat(by_origin, ignore_index=True))]


def _mpp(t: Tables) -> list[pd.DataFrame]:
    table, series = "us_mpp_monthly", "us.mpp_returns"
    total = make(t(MIGRATION, table, "mpp_bookouts_ohss"), series, TOTAL, "people")
    origins = make(t(MIGRATION, table, "mpp_bookouts_by_citizenship_ohss"), series, NAMES, "people")
    enrolments = t(MIGRATION, table, "mpp_enrolments_cbp")
    return [
        with_rest(pd.concat([total, origins])),
        make(enrolments, "us.mpp_enrolments", TOTAL, "enrolments"),
    ]


def _pathways(t: Tables) -> list[pd.DataFrame]:
    table = "us_cbp_one_chnv_monthly"
    cbp_one = make(
        t(MIGRATION, table, "cbp_one_appointments_processed"), "us.cbp_one_processed", ALL_NAMES, "appointments"
    )
    chnv = make(t(MIGRATION, table, "chnv_confirmed_paroles"), "us.chnv_paroles", ALL_NAMES, "people")
    running = t(
        TRANSIT,
        "legal_pathways_as_reported",
        "cbp_one_appointments_scheduled_cumulative",
        "cbp_one_appointments_scheduled_cumulative_approx",
        "cbp_one_appointments_scheduled_cumulative_lower_bound",
    )
    scheduled = [
        make(
            part,
            "us.cbp_one_scheduled",
            "ALL",
            "appointments",
            printed=True,
            note=words,
            frequency="span",
            start=pd.Timestamp(2023, 1, 1),
        )
        for words, part in (
            ("", running[running["series"].str.endswith("cumulative")]),
            ("about", running[running["series"].str.endswith("approx")]),
            ("more than", running[running["series"].str.endswith("lower_bound")]),
        )
    ]
    return [with_rest(cbp_one), chnv, *scheduled]


_SAFE_MOBILITY = {
    "smo_applications_cumulative_lower_bound": ("applications", "more than"),
    "smo_approved_for_resettlement_us_canada_spain_cumulative_lower_bound": ("approved_resettlement", "more than"),
    "smo_assessed_for_other_pathways_cumulative": ("other_pathways", ""),
    "smo_referred_to_spain_cumulative": ("referred_spain", "Costa Rica office"),
    "smo_referred_to_usrap_cumulative": ("referred_usrap", ""),
    "smo_referred_to_usrap_cumulative_approx": ("referred_usrap", "about"),
    "smo_referred_to_usrap_cumulative_lower_bound": ("referred_usrap", "more than"),
    "smo_refugees_arrived_us_cumulative_approx": ("arrived", "about"),
    "smo_refugees_arrived_us_cumulative_lower_bound": ("arrived", "more than"),
    "smo_registrations_cumulative": ("registrations", ""),
}


def _safe_mobility(t: Tables) -> list[pd.DataFrame]:
    out = []
    for name, (measure, note) in _SAFE_MOBILITY.items():
        rows = t(TRANSIT, "legal_pathways_as_reported", name)

        def member(group: str, measure: str = measure) -> str:
            by_office = measure in ("registrations", "referred_usrap") and group != "ALL"
            return f"{measure}_{group.lower()}" if by_office else measure

        out.append(
            make(
                rows,
                "us.safe_mobility",
                member,
                "people",
                printed=True,
                note=note,
                frequency="span",
                start=pd.Timestamp(2023, 6, 1),
            )
        )
    return out


_REPATRIATIONS = {
    "Total Repatriations | Total Repatriations": "ALL",
    "Total Repatriations | Total Title 8 Repatriations": "title8",
    "Total Repatriations | Title 42 Expulsions": "title42",
    "DHS Removals | Total Removals": "removals",
    "DHS Enforcement Returns | Total Enforcement Returns": "enforcement_returns",
    "DHS Administrative Returns | Total Administrative Returns": "administrative_returns",
}

_OUTCOMES = {
    "T8 repatriations": "repatriation_title8",
    "T42 expulsions": "expulsion_title42",
    "Migrant Protection Protocols": "mpp",
    "Transfers to ICE": "transfer_ice",
    "Transfers to HHS": "transfer_hhs",
    "USBP Releases": "release",
    "OFO Paroles": "port_parole",
    "Other outcomes": "other",
    "Total Encounters": "ALL",
}


def _outcomes(t: Tables) -> list[pd.DataFrame]:
    removals = "us_removals_returns_monthly"
    bookouts = t(MIGRATION, "us_sw_bookouts_monthly", "sw_bookouts_by_agency")
    fear = "us_credible_fear_monthly"
    results = {
        "All": "ALL",
        "Positive Fear": "positive",
        "Negative Fear": "negative",
        "Administrative Closure": "administrative_closure",
    }
    referrals = t(MIGRATION, fear, "sw_credible_fear_referrals_by_citizenship")
    by_origin = make(referrals, "us.credible_fear_referrals", NAMES, "cases")
    everyone = make(referrals, "us.credible_fear_referrals", "ALL", "cases")
    total = summed(everyone, "ALL", "sum of the printed citizenships and the printed rest")
    return [
        make(t(MIGRATION, removals, "dhs_repatriations_by_type"), "us.repatriations", _REPATRIATIONS, "people"),
        make(
            t(MIGRATION, removals, "ice_removals_fiscal_year"),
            "us.ice_removals",
            TOTAL,
            "removals",
            printed=True,
            fiscal=True,
        ),
        make(bookouts, "us.bookouts", {f"CBP | {name}": code for name, code in _OUTCOMES.items()}, "encounters"),
        make(
            bookouts,
            "us.bookouts.between_ports",
            {f"USBP | {name}": code for name, code in _OUTCOMES.items()},
            "encounters",
        ),
        make(t(MIGRATION, fear, "sw_credible_fear_completed_by_result"), "us.credible_fear", results, "cases"),
        with_rest(pd.concat([total, by_origin])),
    ]


def _courts(t: Tables) -> list[pd.DataFrame]:
    table = "us_immigration_court_backlog"
    out = []
    for series, name in (
        ("us.court_backlog", "eoir_pending_cases_fy_end"),
        ("us.court_receipts", "eoir_initial_receipts_fy"),
        ("us.court_completions", "eoir_total_completions_fy"),
    ):
        for tail, member in (("apr2021_vintage", "eoir_2021"), ("jul2025_vintage", "eoir_2025")):
            out.append(make(t(MIGRATION, table, f"{name}_{tail}"), series, member, "cases", fiscal=True))
    trac = t(MIGRATION, table, "trac_court_backlog_fy_end", "trac_court_backlog_month_end")
    out.append(make(trac, "us.court_backlog", "trac", "cases", fiscal=True, printed=True))
    out.append(make(t(MIGRATION, table, "eoir_new_cases_monthly"), "us.court_receipts", "eoir_foia", "cases"))
    pending = t(MIGRATION, "us_affirmative_asylum_backlog", "uscis_affirmative_asylum_pending")
    out.append(make(pending, "us.affirmative_asylum_pending", TOTAL, "applications", printed=True))
    return out


def _admissions(t: Tables) -> list[pd.DataFrame]:
    series = "us.refugee_admissions"
    table = "us_refugee_admissions_latin_america"
    monthly = make(
        t(TRANSIT, table, "us_refugee_admissions_monthly"),
        series,
        NAMES | {"LATIN_AMERICA_CARIBBEAN_ALL": "ALL"},
        "people",
    )
    yearly = make(
        t(TRANSIT, table, "us_refugee_admissions_fiscal_year"),
        series,
        {"Latin America Caribbean": "ALL"},
        "people",
    )
    visas = t(TRANSIT, "us_h2_visas_fiscal_year")
    cells = make(visas, "us.h2_visas", CODES | {"ALL_COUNTRIES": "ALL"}, "visas")
    note = "sum of the H-2A, H-2B and H-2R classes"
    by_origin = [summed(part, str(member), note) for member, part in cells.groupby("member")]
    return [with_rest(monthly), yearly, with_rest(pd.concat(by_origin))]


# Mexico and the route


def _darien(t: Tables) -> list[pd.DataFrame]:
    series = "panama.darien_transits"
    table, prints = "panama_darien_transits", "panama_darien_as_reported"
    months = make(t(TRANSIT, table, "darien_irregular_transits"), series, ALL_CODES, "people")
    years = make(t(TRANSIT, table, "darien_irregular_transits_annual"), series, ALL_CODES, "people")
    month = t(TRANSIT, prints, "darien_irregular_transits_month")
    early = t(TRANSIT, prints, "darien_irregular_transits_month_preliminary")
    year = t(TRANSIT, prints, "darien_irregular_transits_year")
    to_date = t(TRANSIT, prints, "darien_irregular_transits_year_to_date")
    return [
        with_rest(months),
        with_rest(years),
        make(month, series, ALL_CODES, "people", printed=True),
        make(early, series, ALL_CODES, "people", printed=True, note="preliminary"),
        make(year, series, ALL_CODES, "people", printed=True),
        _year_to_date(make(to_date, series, ALL_CODES, "people", printed=True)),
    ]


def _year_to_date(rows: pd.DataFrame) -> pd.DataFrame:
    starts = pd.to_datetime(rows["end"].dt.year.astype("Int64").astype(str) + "-01-01", errors="coerce")
    return rows.assign(frequency="year_to_date", start=starts.astype("datetime64[s]"))


def _events(t: Tables) -> list[pd.DataFrame]:
    series, table = "mexico.irregular_events", "mexico_upm_irregular_events_monthly"
    nations = t(TRANSIT, table, "irregular_situation_events")
    folded = nations["date"].between("2024-01", "2024-10")
    listed = nations["group"] == "ALL_LISTED_NATIONALITIES"
    total = make(nations[listed & ~folded], series, "ALL", "events")
    origins = make(nations[~listed], series, CODES, "events")
    ages = t(TRANSIT, table, "irregular_situation_events_by_sex_age")
    ages = ages[ages["date"].between("2024-01", "2024-10")]
    fuller = summed(make(ages, series, "ALL", "events"), "ALL", "sum of the table by sex and age, cuadro 3.1.3")
    note = "the nationality table leaves small nationalities out in 2024: the table by sex and age is used"
    short = make(nations[listed & folded], series, "ALL", "events", aside=note)
    prints = "mexico_upm_as_reported"
    return [
        with_rest(pd.concat([total, fuller, origins])),
        short,
        make(t(TRANSIT, prints, "irregular_situation_events_month"), series, ALL_CODES, "events", printed=True),
        make(t(TRANSIT, prints, "irregular_situation_events_year"), series, ALL_CODES, "events", printed=True),
        _year_to_date(
            make(
                t(TRANSIT, prints, "irregular_situation_events_year_to_date"), series, ALL_CODES, "events", printed=True
            )
        ),
        with_rest(
            make(
                t(TRANSIT, "mexico_upm_returns_monthly", "returned_by_mexico_total"),
                "mexico.returns",
                ALL_CODES,
                "events",
            )
        ),
    ]


def _asylum(t: Tables) -> list[pd.DataFrame]:
    series, prints = "mexico.asylum_applications", "mexico_comar_as_reported"
    table = "unhcr_asylum_applications_mex_usa"
    unhcr = t(
        TRANSIT,
        table,
        "asylum_applications|host=MEX|type=new|level=first_instance",
        "asylum_applications|host=MEX|type=new|level=first_instance_and_appeal",
    )
    own = with_rest(make(unhcr, f"{series}.unhcr", ALL_CODES, "people"))
    reason = "does not agree with COMAR's own count for 2014, which is preferred"
    shared = own.assign(series=series)
    shared = shared.assign(aside=shared["aside"].mask(shared["end"].dt.year == 2014, reason))
    return [
        own,
        shared,
        make(t(TRANSIT, prints, "comar_applications_year"), series, ALL_CODES, "people", printed=True),
        make(t(TRANSIT, prints, "comar_applications_month"), series, ALL_CODES, "people", printed=True),
        _year_to_date(
            make(t(TRANSIT, prints, "comar_applications_year_to_date"), series, ALL_CODES, "people", printed=True)
        ),
        with_rest(
            make(
                t(TRANSIT, "unhcr_population_stocks_mex_usa", "pending_asylum_seekers_end_year|host=MEX"),
                "mexico.asylum_pending",
                ALL_CODES,
                "people",
            )
        ),
    ]


_RESULTS = {
    "recognized_convention": "recognised",
    "complementary_protection": "complementary",
    "rejected": "rejected",
    "otherwise_closed": "otherwise_closed",
    "total_decisions": "ALL",
}

_COMAR_RESULTS = {
    "comar_recognized": "recognised",
    "comar_complementary_protection": "complementary",
    "comar_resolved": "resolved",
}


def _decisions(t: Tables) -> list[pd.DataFrame]:
    series, prints = "mexico.asylum_decisions", "mexico_comar_as_reported"
    out = []
    for name, member in _RESULTS.items():
        rows = t(
            TRANSIT,
            "unhcr_asylum_decisions_mex_usa",
            f"asylum_decisions_{name}|host=MEX|level=first_instance",
            f"asylum_decisions_{name}|host=MEX|level=first_instance_and_appeal",
        )
        out.append(make(rows[rows["group"] == "ALL"], series, member, "people"))
    for name, member in _COMAR_RESULTS.items():
        for tail in ("year", "year_to_date"):
            rows = t(TRANSIT, prints, f"{name}_{tail}")
            rows = rows[rows["group"] == "ALL"]
            for unit, words in (("people", "persons"), ("cases", "cases")):
                made = make(rows[rows["unit"] == words], series, member, unit, printed=True)
                out.append(_year_to_date(made) if tail == "year_to_date" and len(made) else made)
    return out


def _returned_home(t: Tables) -> list[pd.DataFrame]:
    series, table = "mexico.repatriations_from_us", "mexico_repatriations_from_us_as_reported"
    return [
        make(t(TRANSIT, table, "mexicans_repatriated_from_us_month"), series, TOTAL, "events", printed=True),
        make(t(TRANSIT, table, "mexicans_repatriated_from_us_year"), series, TOTAL, "events", printed=True),
        _year_to_date(
            make(t(TRANSIT, table, "mexicans_repatriated_from_us_year_to_date"), series, TOTAL, "events", printed=True)
        ),
    ]


def _deaths(t: Tables) -> list[pd.DataFrame]:
    table = "iom_missing_migrants_monthly"
    box = t(TRANSIT, table, "dead_and_missing_border_area_box_25.5-34N_118-96.5W")
    years = t(TRANSIT, "iom_missing_migrants_as_reported", "iom_dead_and_missing_year")
    out = [make(box[box["group"] == "ALL"], "border.deaths_on_route", "area_box", "people")]
    for series, name, member, label in (
        (
            "border.deaths_on_route",
            "dead_and_missing_us_mexico_border_route",
            "route_label",
            "US-Mexico border",
        ),
        ("panama.deaths_on_route", "dead_and_missing_darien_route", "ALL", "Darien"),
    ):
        rows = t(TRANSIT, table, name)
        partial = rows["date"] == "2023-07"
        out.append(make(rows[~partial], series, member, "people"))
        out.append(make(rows[partial], series, member, "people", aside="July 2023 is partial in this copy"))
        out.append(make(years, series, {label: member}, "people", printed=True))
    return out


def _violence_and_money(t: Tables) -> list[pd.DataFrame]:
    homicides = "mexico_homicides_monthly"
    return [
        make(t(TRANSIT, homicides, "victims_intentional_homicide"), "mexico.homicides", TOTAL, "victims"),
        make(
            t(TRANSIT, homicides, "victims_intentional_homicide_firearm"), "mexico.homicides_firearm", TOTAL, "victims"
        ),
        make(
            t(TRANSIT, "mexico_remittances_monthly", "remittances_received_value"), "mexico.remittances", TOTAL, "USD"
        ),
    ]


_FEES = {
    "smuggler_fee_low_real": ("nrc_low", "USD (inflation-adjusted)"),
    "smuggler_fee_high_real": ("nrc_high", "USD (inflation-adjusted)"),
    "smuggler_fee_real": ("nrc", "USD (inflation-adjusted)"),
    "smuggler_fee_down_payment": ("dhs_down_payment", "USD"),
    "smuggler_fee_on_arrival_upper": ("dhs_on_arrival_upper", "USD"),
    "smuggler_fee_mean_us_entry": ("emif_mean", "USD"),
    "smuggler_fee_mean_press_database": ("press", "USD"),
}

_USE = {
    "smuggler_use_share_approx": "nrc",
    "smuggler_use_share_apprehended_low": "dhs_low",
    "smuggler_use_share_apprehended_high": "dhs_high",
    "smuggler_use_share_returned_from_us": "emif_returned_from_us",
    "smuggler_use_share_returned_from_mexico_transit": "emif_returned_from_mexico",
}


def _smuggling(t: Tables) -> list[pd.DataFrame]:
    table = "smuggling_use_and_fees_as_reported"
    groups = {"MEX": "", "ALL": "", "MEX|all": "", "GTM": "", "SLV+HND+GTM": "_central_america"}
    out = []
    for name, (measure, unit) in _FEES.items():
        rows = t(TRANSIT, table, name)
        members = {group: measure + tail for group, tail in groups.items()}
        out.append(make(rows, "us.smuggling_fee", members, unit, printed=True))
    for name, measure in _USE.items():
        members = dict.fromkeys(groups, measure)
        out.append(make(t(TRANSIT, table, name), "us.smuggler_use", members, "percent", printed=True))
    return out


# Drugs


def _overdoses(t: Tables) -> list[pd.DataFrame]:
    series, table = "us.overdose_deaths.all", "overdose_deaths_single_month"
    states = t(DRUGS, table, "wonder_single_month_sum_of_unsuppressed_states")
    provisional = t(DRUGS, table, "wonder_single_month_sum_of_unsuppressed_states_provisional")
    late = provisional["date"] >= "2024-08"
    years = t(DRUGS, "overdose_deaths_yearly", "final_year", "wonder_final_year")
    opioids = "us.overdose_deaths.synthetic_opioids"
    incomplete = "incomplete: provisional months from August 2024 on"
    finals = t(DRUGS, table, "wonder_final_single_month")
    out = [
        make(t(DRUGS, table, "wonder_single_month_total"), series, "ALL", "deaths"),
        make(states, series, "lower_bound", "deaths"),
        make(provisional[~late], series, "lower_bound", "deaths", note="provisional"),
        make(provisional[late], series, "lower_bound", "deaths", aside=incomplete),
        make(years[years["group"] == "all_drugs"], series, "ALL", "deaths", printed=True),
        make(finals, opioids, "ALL", "deaths"),
    ]
    of_year = years[years["group"] == "synthetic_opioids_T40.4"]
    summed_year = of_year["series"] == "wonder_final_year"
    out.append(make(of_year[summed_year], opioids, "ALL", "deaths"))
    out.append(make(of_year[~summed_year], opioids, "ALL", "deaths", printed=True))
    rolling = "overdose_deaths_12month_ending"
    for name, group in (
        ("us.overdose_deaths.all.12m", "all_drugs"),
        ("us.overdose_deaths.synthetic_opioids.12m", "synthetic_opioids_T40.4"),
        ("us.overdose_deaths.psychostimulants.12m", "psychostimulants_T43.6"),
    ):
        for member in ("reported", "predicted"):
            rows = t(DRUGS, rolling, f"vsrr_12m_ending_{member}")
            made = make(rows[rows["group"] == group], name, member, "deaths", frequency="twelve_months")
            first = made["end"] - pd.DateOffset(months=12) + pd.offsets.MonthEnd(0) + pd.Timedelta(days=1)
            out.append(made.assign(start=first.astype("datetime64[s]")))
    pending = t(DRUGS, rolling, "vsrr_percent_pending_investigation")
    made = make(pending, "us.overdose_deaths.pending_investigation", "ALL", "percent", frequency="twelve_months")
    first = made["end"] - pd.DateOffset(months=12) + pd.offsets.MonthEnd(0) + pd.Timedelta(days=1)
    out.append(made.assign(start=first.astype("datetime64[s]")))
    return out


def _seizures(t: Tables) -> list[pd.DataFrame]:
    months, years = "cbp_drug_seizures_monthly", "cbp_drug_seizures_fiscal_year"
    by_year = t(DRUGS, years, "fiscal_year_lbs_seized")
    out = []
    for drug in ("fentanyl", "methamphetamine"):
        rows = t(DRUGS, months, f"{drug}_lbs_seized")
        for tail, group in (("at_ports", "OFO|Southwest Border"), ("between_ports", "USBP|Southwest Border")):
            series = f"us.{drug}_seized.{tail}"
            out.append(make(rows, series, {group: "ALL"}, "lb"))
            out.append(make(by_year, series, {f"{drug}|{group}": "ALL"}, "lb", fiscal=True))
        series = f"us.{drug}_seized.total"
        cells = make(rows, series, "ALL", "lb")
        out.append(summed(cells, "ALL", "sum of ports and Border Patrol over all regions"))
        out.append(make(by_year, series, {f"{drug}|all CBP (OFO+USBP)": "ALL"}, "lb", fiscal=True))
    market = "fentanyl_market_and_seizures"
    purity = "us.fentanyl_purity"
    stated = t(DRUGS, market, "dea_fiscal_year_average_purity")
    out.append(make(t(DRUGS, market, "dea_average_purity"), purity, "powder", "percent"))
    out.append(make(stated, purity, "powder", "percent", fiscal=True, printed=True))
    out.append(make(t(DRUGS, market, "dea_average_fentanyl_content"), purity, "pills", "mg per pill"))
    return out


def _treatment(t: Tables) -> list[pd.DataFrame]:
    table = "source_model_timeseries"
    filled = "filled in by the model authors, not a survey year"
    out = []
    for name, member in (
        ("Tx annual BUP patients IQVIA TPT", "buprenorphine"),
        ("Tx point patients OTP MMT NSSATS", "methadone"),
        ("Tx point patients Viv IQVIA", "naltrexone"),
    ):
        rows = t(DRUGS, table, name)
        guess = rows["unit"].str.contains("filled in")
        out.append(make(rows[~guess], "us.moud_treated", member, "people"))
        out.append(make(rows[guess], "us.moud_treated", member, "people", aside=filled))
    kits = t(DRUGS, table, "Nx kits distributed HR IQVIA")
    early = kits["date"] < "2013"
    adjusted = "kits before 2013 are adjusted by the model authors"
    out.append(make(kits[~early], "us.naloxone_kits", "ALL", "kits"))
    out.append(make(kits[early], "us.naloxone_kits", "ALL", "kits", aside=adjusted))
    facts = "treatment_facts"
    out.append(
        make(
            t(DRUGS, facts, "naloxone_prescriptions_dispensed"),
            "us.naloxone_prescriptions",
            "ALL",
            "prescriptions",
            printed=True,
        )
    )
    out.append(
        make(
            t(DRUGS, facts, "received_moud_among_those_needing_treatment"),
            "us.moud_share_of_need",
            "ALL",
            "percent",
            printed=True,
        )
    )
    return out


def _sanctions(t: Tables) -> list[pd.DataFrame]:
    table, series = "ofac_counternarcotics_listings", "us.ofac_counternarcotics_listings"
    tag = "any counternarcotics tag"
    out = []
    for name, measure in (
        ("sdn_first_seen_in_month", "added"),
        ("sdn_last_seen_in_month", "removed"),
        ("sdn_listed_at_last_snapshot_of_month", "listed"),
    ):
        rows = t(DRUGS, table, name)
        members = {tag: measure, f"{tag}|Mexico named in remarks": f"{measure}_mexico"}
        partial = rows["date"].isin(["2021-08", "2024-05"])
        out.append(make(rows[~partial], series, members, "parties"))
        out.append(make(rows[partial], series, members, "parties", aside="the snapshots cover part of the month"))
    return out


# Trade and economy


def _trade(t: Tables) -> list[pd.DataFrame]:
    table = "us_mexico_goods_trade"
    out = []
    for series, name in (
        ("trade.us_imports_from_mexico", "us_goods_imports_from_mexico"),
        ("trade.us_exports_to_mexico", "us_goods_exports_to_mexico"),
    ):
        rows = t(DRUGS, table, name)
        quoted = rows["group"] == "annual"
        out.append(make(rows[~quoted], series, "ALL", "million USD"))
        out.append(make(rows[quoted], series, "ALL", "million USD", printed=True))
    crossings = "border_crossings_monthly"
    trucks = "trade.trucks_northbound"
    texas = t(DRUGS, crossings, "cbp_northbound_commercial_trucks")
    out.append(make(t(DRUGS, crossings, "bts_inbound_trucks"), trucks, "border", "trucks"))
    out.append(make(texas, trucks, {"Texas-Mexico border, all crossings": "texas"}, "trucks"))
    macro = "macro_monthly"
    out.append(make(t(DRUGS, macro, "mxn_per_usd_monthly_average"), "macro.mxn_per_usd", "ALL", "MXN per USD"))
    out.append(make(t(DRUGS, macro, "us_job_openings"), "macro.us_job_openings", "ALL", "thousand"))
    out.append(make(t(DRUGS, macro, "us_unemployment_rate"), "macro.us_unemployment", "ALL", "percent"))
    return out


_FAMILIES: tuple[Callable[[Tables], list[pd.DataFrame]], ...] = (
    _encounters,
    _title42,
    _mpp,
    _pathways,
    _safe_mobility,
    _outcomes,
    _courts,
    _admissions,
    _darien,
    _events,
    _asylum,
    _decisions,
    _returned_home,
    _deaths,
    _violence_and_money,
    _smuggling,
    _overdoses,
    _seizures,
    _treatment,
    _sanctions,
    _trade,
)


def rows(folder: Path) -> pd.DataFrame:
    """Return the rows of all series from a folder of source tables (see `TABLES`), not yet validated."""
    tables = Tables(folder)
    parts = [part for family in _FAMILIES for part in family(tables) if len(part)]
    return pd.concat(parts, ignore_index=True)
