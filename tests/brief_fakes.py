"""Made-up inputs for the tests of the brief: a corridor of two countries that do not exist, with synthetic figures."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
import yaml

from acuerdo.corridor import Corridor
from acuerdo.dialogue.dossier import (
    Commitment,
    Delegations,
    Dialogue,
    Dossier,
    Meeting,
    Reported,
    Source,
    Statement,
    Step,
)
from acuerdo.figures.catalogue import Catalogue, Series
from acuerdo.figures.store import Figures

DAY = date(2023, 9, 29)


def words(en: str, es: str) -> dict[str, str]:
    return {"en": en, "es": es}


ABOUT: dict[str, Any] = {
    "title": words("Norland and Surland", "Norlandia y Surlandia"),
    "sides": {"nor": words("Norland", "Norlandia"), "sur": words("Surland", "Surlandia")},
    "both": words("Both", "Ambos"),
    "locales": {"en": "en_US", "es": "es_MX"},
    "facts": [
        {
            "id": "river_length",
            "value": 1200,
            "unit": "mile",
            "also": {"value": 1931, "unit": "km"},
            "label": words("Length of the river border", "Longitud de la frontera fluvial"),
            "source": "Gazetteer of Norland",
            "published": date(2023, 1, 1),
        }
    ],
    "brief": {
        "title": words("Brief for the high-level dialogues", "Informe para los diálogos de alto nivel"),
        "key_figures": [
            {"series": "nor.crossings"},
            {"series": "sur.claims", "method": "pace"},
            {
                "series": "sur.claims",
                "method": "twelve_months",
                "label": words("Claims, 12 months", "Solicitudes, 12 meses"),
            },
            {"series": "nor.losses", "frequency": "twelve_months"},
            {"series": "nor.trade", "method": "sum_12"},
            {"series": "river_length", "method": "constant"},
        ],
        "picture": [
            {
                "title": words("People on the move", "Personas en movimiento"),
                "rows": [{"series": "nor.crossings"}, {"series": "sur.claims", "frequency": "year"}],
            },
            {
                "title": words("Health and trade", "Salud y comercio"),
                "rows": [
                    {"series": "nor.losses", "frequency": "twelve_months"},
                    {"series": "nor.trade"},
                    {"series": "nor.later"},
                ],
            },
        ],
        "talks": {
            "checks": {
                "claims-told": {
                    "figures": [
                        {"series": "sur.claims", "method": "pace"},
                        {"series": "sur.claims", "method": "twelve_months"},
                    ]
                },
                "river-told": {"figures": [{"series": "river_length", "method": "constant"}]},
            }
        },
        "outlook": [
            {"id": "nor.crossings"},
            {"id": "nor.losses"},
            {"id": "sur.waiting", "unit": words("people", "personas")},
        ],
        "measures": {
            "tables": [
                {
                    "title": words("People and cost", "Personas y costo"),
                    "columns": ["nor.crossings", "nor.losses", "route.deaths", "sur.waiting", "sur.cost"],
                }
            ],
            "chart": ["nor.crossings", "route.deaths", "nor.losses"],
        },
    },
}


def corridor(folder: Path, **changes: Any) -> Corridor:
    """A corridor in a folder; `changes` replace keys of `brief`."""
    about = {**ABOUT, "brief": {**ABOUT["brief"], **changes}}
    (folder / "texts").mkdir(parents=True, exist_ok=True)
    for lang, line in (("en", "River counts miss the night."), ("es", "Los conteos del río no ven la noche.")):
        (folder / "texts" / f"{lang}.yaml").write_text(yaml.safe_dump({"corridor_unknowns": {"river": line}}), "utf-8")
    return Corridor("north_south", folder, about)


def _entry(name: str, en: str, es: str, unit: str, frequency: str, **more: Any) -> Series:
    return Series.model_validate(
        {
            "id": name,
            "label": words(en, es),
            "meaning": words(f"{en}, counted.", f"{es}, contadas."),
            "unit": unit,
            "unit_label": words(unit, {"people": "personas", "deaths": "muertes"}.get(unit, unit)),
            "frequency": frequency,
            "publisher": "Office of Numbers",
            "table": f"Table of {en.lower()}",
            "address": "https://numbers.example/tables",
            "terms": words("Free to use with citation.", "Uso libre con cita."),
            "publication": {"lag_days": 20, "lag_basis": words("assumption", "supuesto")},
            "warnings": [words("Counted at the gate.", "Contadas en la puerta.")],
            **more,
        }
    )


CATALOGUE = Catalogue(
    entries={
        entry.id: entry
        for entry in (
            _entry("nor.crossings", "Crossings outside the gates", "Cruces fuera de las puertas", "people", "month"),
            _entry(
                "sur.claims",
                "Claims for protection",
                "Solicitudes de protección",
                "people",
                "year",
                publication={"vintage": True, "lag_basis": words("print", "impresión")},
            ),
            _entry("nor.losses", "Deaths by poisoning", "Muertes por intoxicación", "deaths", "month"),
            _entry("nor.trade", "Goods traded", "Bienes comerciados", "million crowns", "month"),
            _entry("nor.later", "Counts not yet public", "Conteos aún no públicos", "people", "month"),
        )
    }
)


def _row(
    series: str, frequency: str, start: str, end: str, value: float, published: str, vintage: str
) -> dict[str, Any]:
    return {
        "series": series,
        "frequency": frequency,
        "start": pd.Timestamp(start),
        "end": pd.Timestamp(end),
        "member": "ALL",
        "value": value,
        "unit": CATALOGUE[series].unit,
        "source": f"Office of Numbers, print, https://print.example/{series}/{published}",
        "vintage": vintage,
        "vintage_day": pd.Timestamp(vintage),
        "published": pd.Timestamp(published),
    }


def figures() -> Figures:
    """Synthetic figures: round numbers that no office ever printed."""
    rows = []
    for index, month in enumerate(pd.period_range("2019-01", "2024-06", freq="M")):
        end = month.end_time.normalize()
        public = (end + pd.Timedelta(days=20)).date().isoformat()
        first, last = month.start_time.date().isoformat(), end.date().isoformat()
        wave = 100_000 + 40_000 * np.sin(index / 5) + 800 * index
        held = public if month.year < 2023 else "2024-12-06"  # months of 2023 are held in a later edition only
        rows.append(_row("nor.crossings", "month", first, last, round(wave, -1), public, held))
        rows.append(_row("nor.trade", "month", first, last, 30_000 + 100.0 * index, public, public))
        start = (month - 11).start_time.date().isoformat()
        rows.append(_row("nor.losses", "twelve_months", start, last, 70_000 + 500.0 * index, public, public))
        rows.append(_row("nor.losses", "month", first, last, 6_000 + 40.0 * index, public, public))
    rows += [
        _row("sur.claims", "year", "2021-01-01", "2021-12-31", 110_000, "2022-01-15", "2022-01-15"),
        _row("sur.claims", "year", "2022-01-01", "2022-12-31", 120_000, "2023-01-15", "2023-01-15"),
        _row("sur.claims", "year_to_date", "2022-01-01", "2022-06-30", 58_000, "2023-07-11", "2023-07-11"),
        _row("sur.claims", "year_to_date", "2023-01-01", "2023-06-30", 75_000, "2023-07-11", "2023-07-11"),
        _row("sur.claims", "year_to_date", "2023-01-01", "2023-09-30", 999_999, "2023-10-20", "2023-10-20"),
        _row("nor.later", "month", "2023-09-01", "2023-09-30", 777_777, "2023-10-20", "2023-10-20"),
    ]
    frame = pd.DataFrame(rows)
    frame["key"] = frame.groupby(["series", "frequency", "start", "end", "member"], sort=False).ngroup()
    return Figures(frame, CATALOGUE)


def _source(address: str) -> list[Source]:
    return [Source(address=address, type="P")]


def dossier() -> Dossier:
    """A synthetic dossier: one meeting held, one announced, one not announced, one of the year before."""
    talks = {"level": words("ministers", "ministros"), "mark": "read", "sources": _source("press.example/talks")}
    agenda = words("ports and river", "puertos y río")
    sides = Delegations(sides={"nor": [words("Foreign Secretary", "Canciller"), "A. Norman"], "sur": ["B. Suárez"]})
    meetings = [
        Meeting(
            id="economy-2023",
            dialogue="economy",
            title=words("Dialogue on the economy", "Diálogo económico"),
            date=DAY,
            place=words("Norstadt", "Norciudad"),
            agenda=agenda,
            delegations=sides,
            status=[Step(status="held", known_from=DAY)],
            **talks,
        ),
        Meeting(
            id="security-2023",
            dialogue="security",
            title=words("Dialogue on security", "Diálogo de seguridad"),
            date=DAY + timedelta(days=6),
            place=words("Surville", "Surciudad"),
            agenda=words("kept for later", "se reserva"),
            status=[
                Step(
                    status="announced",
                    known_from=DAY - timedelta(days=2),
                    place=words("Surville", "Surciudad"),
                    agenda=words("security", "seguridad"),
                    delegations=sides,
                    sources=_source("press.example/announced"),
                ),
                Step(status="held", known_from=DAY + timedelta(days=6)),
            ],
            **talks,
        ),
        Meeting(
            id="presidents-2023",
            dialogue="economy",
            title=words("Meeting of the presidents", "Reunión de los presidentes"),
            agenda=agenda,
            status=[Step(status="not_announced", known_from=DAY, sources=_source("press.example/presidents"))],
            **talks,
        ),
        Meeting(
            id="economy-2022",
            dialogue="economy",
            title=words(
                "Dialogue on the economy and on incomprehensibilities, second",
                "Diálogo económico y de incomprensibilidades, segundo",
            ),
            date=date(2022, 10, 12),
            until=date(2022, 11, 13),
            place=words("Surville", "Surciudad"),
            agenda=agenda,
            status=[Step(status="held", known_from=date(2022, 10, 12))],
            **talks,
        ),
    ]
    told = {"reported_by": words("Press", "Prensa"), "mark": "read", "sources": _source("press.example/told")}
    reported = [
        Reported(
            id="claims-told",
            text=words("about 140,000 claims a year", "unas 140,000 solicitudes al año"),
            known_from=DAY,
            **told,
        ),
        Reported(
            id="river-told", text=words("a river of 1,200 miles", "un río de 1,200 millas"), known_from=DAY, **told
        ),
        Reported(
            id="later-told", text=words("told afterwards", "dicho después"), known_from=DAY + timedelta(days=30), **told
        ),
    ]
    statements = [
        Statement(
            id="said",
            who="B. Suárez",
            side="sur",
            date=DAY - timedelta(days=5),
            venue=words("assembly", "asamblea"),
            attribution="on_the_record",
            text=words("The river towns are full.", "Los pueblos del río están llenos."),
            known_from=DAY - timedelta(days=5),
            sources=_source("press.example/said"),
            mark="read",
        )
    ]
    commitments = [
        Commitment(
            id="returns",
            dialogue="security",
            made=DAY - timedelta(days=7),
            known_from=DAY - timedelta(days=7),
            owner="sur",
            text=words("Return people from the river towns.", "Devolver a personas desde los pueblos del río."),
            kind="action",
            sources=_source("press.example/returns"),
            mark="read",
        )
    ]
    dialogues = [
        Dialogue(id="economy", title=words("Economy", "Economía"), pair=True),
        Dialogue(id="security", title=words("Security", "Seguridad"), pair=True),
    ]
    return Dossier(dialogues, meetings, statements, reported, commitments)


def projection() -> xr.Dataset:
    """Synthetic quantiles that widen with time."""
    months = pd.date_range("2022-01-01", "2024-12-01", freq="MS")
    quantiles = {"mean": 0.0, "q05": -1.645, "q25": -0.674, "q50": 0.0, "q75": 0.674, "q95": 1.645}
    data = {}
    for name, level, en, es in (
        ("nor.crossings", 180_000.0, "Crossings outside the gates", "Cruces fuera de las puertas"),
        ("nor.losses", 8_300.0, "Deaths by poisoning", "Muertes por intoxicación"),
        ("sur.waiting", 95_000.0, "People waiting", "Personas en espera"),
    ):
        spread = 0.05 * np.sqrt(np.arange(1, len(months) + 1))
        values = np.stack([level * np.exp(z * spread) for z in quantiles.values()])
        data[name] = xr.DataArray(
            values,
            dims=("statistic", "month"),
            coords={"statistic": list(quantiles), "month": months},
            attrs={"units": "people/month", "label_en": en, "label_es": es, "kind": "outcome"},
        )
    return xr.Dataset(
        data, attrs={"as_of": DAY.isoformat(), "draws": 500, "seed": 1, "provisional": 1, "method": "made up"}
    )


LEVERS = [
    ("appointments", "Appointments at the gates", "Citas en las puertas", "nor", "moderate"),
    ("courts", "Judges in the courts", "Jueces en los tribunales", "nor", "weak"),
    ("treatment", "Treatment for all who seek it", "Tratamiento para quien lo busque", "nor", "strong"),
    ("decisions", "Decisions on claims for protection", "Resoluciones de solicitudes", "sur", "moderate"),
    ("patrols", "Patrols on the roads to the river", "Patrullas en los caminos al río", "sur", "weak"),
    (
        "shelter",
        "Shelter and work permits while waiting",
        "Albergue y permisos durante la espera",
        "both",
        "assumption",
    ),
]
OUTCOMES = [
    ("nor.crossings", "Crossings", "Cruces", "nor", 180_000.0),
    ("nor.losses", "Deaths by poisoning", "Muertes por intoxicación", "nor", 8_300.0),
    ("route.deaths", "Deaths on the route", "Muertes en la ruta", "both", 60.0),
    ("sur.waiting", "People waiting", "Personas en espera", "sur", 95_000.0),
    ("sur.cost", "Public cost", "Costo público", "sur", 40.0),
]


def effects() -> pd.DataFrame:
    """Synthetic changes, some of them clear and some not."""
    draw = np.random.default_rng(7)
    rows = []
    for lever, en, es, owner, evidence in LEVERS:
        for outcome, out_en, out_es, side, base in OUTCOMES:
            change = base * draw.normal(-0.04, 0.06)
            half = base * abs(draw.normal(0.05, 0.02))
            rows.append(
                {
                    "lever": lever,
                    "lever_label": words(en, es),
                    "owner": owner,
                    "setting_label": words("9,000 a month instead of 2,800", "9,000 al mes en vez de 2,800"),
                    "evidence": evidence,
                    "outcome": outcome,
                    "outcome_label": words(out_en, out_es),
                    "side": side,
                    "unit": "people/month",
                    "unit_label": words("people a month", "personas al mes"),
                    "prefers": "lower",
                    "base": base,
                    "change": change,
                    "q05": change - half,
                    "q95": change + half,
                    "p_wrong_sign": float(np.clip(0.5 - abs(change) / half / 3, 0, 0.5)),
                }
            )
    return pd.DataFrame(rows)


UNKNOWNS = [
    {"kind": "assumption", "text_en": "Patience of people who wait.", "text_es": "Paciencia de quienes esperan."},
    {
        "kind": "bundle",
        "text_en": "Gates and courts changed together.",
        "text_es": "Puertas y tribunales cambiaron juntos.",
    },
    {"kind": "unheard-of", "text_en": "Something else.", "text_es": "Otra cosa."},
]
