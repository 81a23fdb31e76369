from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pypdf
import pytest

import brief_fakes as fakes
from acuerdo import corridor as corridors
from acuerdo.brief import compute, html, pdf
from acuerdo.brief import settings as brief_settings
from acuerdo.brief.content import assemble
from acuerdo.brief.model import Brief
from acuerdo.brief.output import write
from acuerdo.brief.settings import Item
from acuerdo.dialogue.dossier import load_dossier
from acuerdo.errors import DataError, InputError
from acuerdo.figures.store import Figures

LANGS = ["en", "es"]
DAY = fakes.DAY
Maker = Callable[..., Brief]


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Make a brief of the made-up corridor; keyword arguments replace parts of its settings."""

    def make(lang: str = "en", day: Any = DAY, bare: bool = False, **changes: Any) -> Brief:
        corridor = fakes.corridor(tmp_path_factory.mktemp("corridor"), **changes)
        return assemble(
            fakes.figures(),
            fakes.dossier(),
            None if bare else fakes.projection(),
            None if bare else fakes.effects(),
            [] if bare else fakes.UNKNOWNS,
            corridor,
            lang,
            day,
        )

    return make


@pytest.fixture(scope="module")
def briefs(maker: Maker) -> dict[str, Brief]:
    return {lang: maker(lang) for lang in LANGS}


# ---- numbers


def view(day: date = DAY) -> Figures:
    return fakes.figures().as_of(day)


def test_latest_compares_with_the_same_month_a_year_earlier() -> None:
    found = compute.reading(view(), Item(series="nor.trade"))
    assert found is not None
    assert (found.end, found.value, found.earlier) == (date(2023, 8, 31), 35_500, 34_300)
    assert found.change == pytest.approx(35_500 / 34_300 - 1)


def test_sum_of_twelve_months() -> None:
    found = compute.reading(view(), Item(series="nor.trade", method="sum_12"))
    assert found is not None
    assert (found.start, found.end, len(found.parts)) == (date(2022, 9, 1), date(2023, 8, 31), 12)
    assert found.value == sum(30_000 + 100 * month for month in range(44, 56))
    assert found.earlier == sum(30_000 + 100 * month for month in range(32, 44))


def test_sum_of_twelve_months_needs_them_all() -> None:
    rows = fakes.figures()._rows
    gap = (rows["series"] == "nor.trade") & (rows["start"] == "2023-01-01")
    assert (
        compute.reading(Figures(rows[~gap], fakes.CATALOGUE).as_of(DAY), Item(series="nor.trade", method="sum_12"))
        is None
    )


def test_pace_and_twelve_months_use_only_what_was_public() -> None:
    pace = compute.reading(view(), Item(series="sur.claims", method="pace"))
    year = compute.reading(view(), Item(series="sur.claims", method="twelve_months"))
    assert pace is not None
    assert year is not None
    assert (pace.value, pace.earlier) == (150_000, 120_000)
    assert (year.value, year.start, year.end) == (75_000 + 120_000 - 58_000, date(2022, 7, 1), date(2023, 6, 30))


def test_part_months_count_by_days() -> None:
    figure = view().at("sur.claims", "2023-01-01/2023-06-30")
    assert figure is not None
    assert compute.months_covered(figure) == 6
    half = type(figure)(**{**figure.__dict__, "end": date(2023, 6, 15)})
    assert compute.months_covered(half) == 5.5


def test_value_of_a_later_vintage_is_marked() -> None:
    marked = compute.reading(view(), Item(series="nor.crossings"))
    plain = compute.reading(view(), Item(series="nor.trade"))
    assert marked is not None
    assert plain is not None
    assert (marked.revised, plain.revised) == (True, False)


def test_scale_turns_into_larger_units() -> None:
    found = compute.reading(view(), Item(series="nor.trade", scale=1000))
    assert found is not None
    assert found.value == 35.5


def test_nothing_public_yet() -> None:
    assert compute.reading(view(), Item(series="nor.later")) is None


# ---- content


@pytest.mark.parametrize("lang", LANGS)
def test_key_figures(briefs: dict[str, Brief], lang: str) -> None:
    figures = briefs[lang].key_figures
    assert [figure.value for figure in figures] == ["104,000", "150,000", "137,000", "97,500", "419,400", "1,200"]
    assert [figure.revised for figure in figures] == [True, False, False, False, False, False]
    assert figures[0].period == {"en": "August 2023", "es": "agosto de 2023"}[lang]
    assert figures[0].change == "−37%"
    assert figures[1].change_short == {"en": "on 2022", "es": "frente a 2022"}[lang]
    assert "75,000" in figures[1].note
    assert figures[2].period == {"en": "12 months to June 2023", "es": "12 meses hasta junio de 2023"}[lang]
    assert figures[5].unit == {"en": "miles", "es": "millas"}[lang]
    assert figures[5].note == {"en": "1,931 kilometres", "es": "1,931 kilómetros"}[lang]
    assert all(figure.sources for figure in figures)


def test_every_cited_source_is_listed(briefs: dict[str, Brief]) -> None:
    for brief in briefs.values():
        numbers = {source.number for source in brief.sources}
        assert numbers == set(range(1, len(numbers) + 1))
        cited = set(re.findall(r'href="#source-(\d+)"', html.render(brief)))
        assert {str(number) for number in numbers} == cited
        assert all(source.address for source in brief.sources)


def test_a_print_is_cited_as_such(briefs: dict[str, Brief]) -> None:
    number = briefs["en"].key_figures[1].sources[0]
    source = briefs["en"].sources[number - 1]
    assert source.link == "https://print.example/sur.claims/2023-07-11"
    assert source.vintage == "2023-07-11"


def test_both_languages_have_the_same_shape(briefs: dict[str, Brief]) -> None:
    def shape(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {name: shape(value) for name, value in tree.items()}
        if isinstance(tree, list | tuple):
            return [shape(value) for value in tree]
        return type(tree).__name__ if not isinstance(tree, str) else bool(tree)

    english, spanish = (shape(briefs[lang].to_dict()) for lang in LANGS)
    assert english == spanish


def test_meetings_as_known_on_the_day(briefs: dict[str, Brief]) -> None:
    talks = briefs["en"].talks
    assert [(one.title, one.status) for one in talks.upcoming] == [
        ("Dialogue on the economy", "Held"),
        ("Dialogue on security", "Announced"),
        ("Meeting of the presidents", "Not announced"),
    ]
    assert [one.title for one in talks.recent] == ["Dialogue on the economy and on incomprehensibilities, second"]
    assert talks.upcoming[1].agenda == ("security",)
    assert [side.text for side in talks.upcoming[0].delegations] == ["Foreign Secretary and A. Norman", "B. Suárez"]


def test_reported_facts_stand_beside_the_figures(briefs: dict[str, Brief]) -> None:
    facts = briefs["en"].talks.facts
    assert [fact.text for fact in facts] == ["about 140,000 claims a year", "a river of 1,200 miles"]
    assert [check.value for check in facts[0].checks] == ["150,000", "137,000"]


def test_reported_fact_about_a_meeting_stands_with_it(tmp_path: Path) -> None:
    corridor_dossier = fakes.dossier()
    told = corridor_dossier.reported[1].model_copy(update={"meeting": "security-2023"})
    corridor_dossier.reported[1] = told
    brief = assemble(fakes.figures(), corridor_dossier, None, None, [], fakes.corridor(tmp_path), "en", DAY.isoformat())
    assert [note.text for note in brief.talks.upcoming[1].notes] == ["a river of 1,200 miles"]
    assert [fact.text for fact in brief.talks.facts] == ["about 140,000 claims a year"]


def test_nothing_of_later_days_is_on_the_page(briefs: dict[str, Brief]) -> None:
    for brief in briefs.values():
        page = html.render(brief)
        for later in ("999,999", "777,777", "told afterwards", "dicho después", "kept for later", "se reserva"):
            assert later not in page


def test_outlook_starts_after_the_last_recorded_month(briefs: dict[str, Brief]) -> None:
    fans = briefs["en"].outlook
    assert [fan.id for fan in fans] == ["nor.crossings", "nor.losses", "sur.waiting"]
    assert fans[0].text == (
        "September 2024: median 180,000, 90% interval 112,000 to 289,000. Last recorded: 104,000 (August 2023)."
    )
    assert "Last recorded" not in fans[2].text


def test_measures_by_owner(briefs: dict[str, Brief]) -> None:
    measures = briefs["en"].measures
    assert [table.owner for table in measures.tables] == [
        "Measures: Norland",
        "Measures: Surland",
        "Measures: both sides",
    ]
    table = measures.tables[0]
    assert table.spans == (("Norland", 2), ("Both", 1), ("Surland", 2))
    assert [row.mark for row in table.rows] == ["b", "c", "a"]
    assert [note.name for note in measures.footnotes] == ["a", "b", "c", "d"]
    changes = fakes.effects()
    first = changes[(changes["lever"] == "courts") & (changes["outcome"] == "nor.losses")].iloc[0]
    cell = table.rows[1].cells[1]
    assert cell.clear == (first["q95"] < 0 or first["q05"] > 0)
    assert cell.change == "−280"
    assert cell.interval == "−540 to −20"
    assert [cell.wrong for cell in table.rows[0].cells][:2] == ["26%", "<1%"]


def test_every_owner_has_each_table_and_the_settings_once(maker: Maker) -> None:
    title = {"en": "One", "es": "Uno"}
    tables = [{"title": title, "columns": ["nor.crossings", "sur.cost"]}, {"title": title, "columns": ["nor.losses"]}]
    brief = maker(measures={"tables": tables, "chart": []})
    assert [len(table.columns) for table in brief.measures.tables] == [2, 1] * 3
    assert [bool(table.rows[0].setting) for table in brief.measures.tables] == [True, False] * 3
    assert brief.measures.wide is None


def test_large_changes_are_printed_in_thousands(tmp_path: Path) -> None:
    effects = fakes.effects()
    large = effects["outcome"] == "nor.crossings"
    effects.loc[large, ["base", "change", "q05", "q95"]] *= 12
    brief = assemble(fakes.figures(), fakes.dossier(), None, effects, [], fakes.corridor(tmp_path), "es", DAY)
    table = brief.measures.tables[0]
    assert table.columns[0].unit == "miles de personas al mes"
    assert table.rows[2].cells[0].change == "−330"
    assert table.columns[1].unit == "personas al mes"


def test_measures_that_change_next_to_nothing_are_not_drawn(tmp_path: Path) -> None:
    effects = fakes.effects()
    effects.loc[effects["lever"] == "courts", ["change", "q05", "q95"]] = [1e-6, -1e-6, 2e-6]
    brief = assemble(fakes.figures(), fakes.dossier(), None, effects, [], fakes.corridor(tmp_path), "en", DAY)
    assert brief.measures.wide is not None
    assert "Judges in the courts" not in brief.measures.wide.svg
    assert "Appointments at the gates" in brief.measures.wide.svg
    assert (
        brief.measures.chart_note == "One measure that changes each of these outcomes by less than 0.5% is not drawn."
    )


def test_contested_measures_and_changes_of_nothing_are_marked(tmp_path: Path) -> None:
    effects = fakes.effects().assign(contested=lambda rows: rows["lever"] == "courts")
    losses = effects["outcome"] == "nor.losses"
    effects.loc[losses, ["change", "q05", "q95"]] = [1e-3, -1e-3, 2e-3]
    brief = assemble(fakes.figures(), fakes.dossier(), None, effects, [], fakes.corridor(tmp_path), "es", DAY)
    rows = brief.measures.tables[0].rows
    assert [row.label for row in rows][:2] == ["Citas en las puertas", "Jueces en los tribunales (controvertida)"]
    assert [(row.cells[1].change, row.cells[1].interval) for row in rows] == [("0", "")] * 3


def test_outcomes_that_were_not_worked_out_are_left_out(maker: Maker) -> None:
    title = {"en": "One", "es": "Uno"}
    brief = maker(measures={"tables": [{"title": title, "columns": ["nothing", "nor.losses"]}], "chart": ["nothing"]})
    assert [len(table.columns) for table in brief.measures.tables] == [1] * 3


def test_an_outcome_without_an_effect_is_a_dash(tmp_path: Path) -> None:
    corridor = fakes.corridor(tmp_path)
    effects = fakes.effects()
    gone = (effects["lever"] == "courts") & (effects["outcome"] == "nor.losses")
    brief = assemble(fakes.figures(), fakes.dossier(), None, effects[~gone], [], corridor, "en", DAY)
    assert brief.measures.tables[0].rows[1].cells[1].change == ""
    pdf.render(brief)


def test_unknowns_are_grouped(briefs: dict[str, Brief]) -> None:
    groups = {group.title: group.items for group in briefs["en"].unknowns}
    assert groups["Parameters that are assumptions"] == ("Patience of people who wait.",)
    assert groups["Further limits"] == ("Something else.", "River counts miss the night.")
    assert any("Counts not yet public" in item for item in groups["Gaps and cautions in the figures"])
    assert any("Crossings outside the gates" in item for item in groups["Values as later revised"])


def test_summary_has_three_to_five_sentences(briefs: dict[str, Brief], maker: Maker) -> None:
    assert [item.name for item in briefs["en"].summary] == [
        "Talks.",
        "On a year earlier.",
        "Outlook.",
        "Measures.",
        "Limits.",
    ]
    assert 3 <= len(maker(bare=True).summary) <= 5
    changes = briefs["en"].summary[1].text
    assert changes.startswith("Up: claims for protection +25%")
    assert "Down: crossings outside the gates −37%." in changes


def test_provisional_mark_only_when_the_projection_is(briefs: dict[str, Brief], maker: Maker) -> None:
    assert briefs["es"].mark == "Provisional"
    assert briefs["es"].notice
    bare = maker("es", bare=True)
    assert (bare.mark, bare.notice, bare.outlook) == ("", "", ())


def test_latest_view_without_a_day_starts_before_the_projected_months(tmp_path: Path) -> None:
    ahead = fakes.projection().assign_attrs(as_of="latest").sel(month=slice("2024-01", None))
    brief = assemble(fakes.figures(), fakes.dossier(), ahead, None, [], fakes.corridor(tmp_path), "en", None)
    assert (brief.day, brief.as_of) == ("2023-12-31", "Figures to December 31, 2023, in their latest editions")
    bare = assemble(fakes.figures(), fakes.dossier(), None, None, [], fakes.corridor(tmp_path), "en", None)
    assert bare.day == "2024-07-20"


def test_latest_view(maker: Maker) -> None:
    brief = maker("en", None)
    assert (brief.day, brief.as_of) == ("2023-09-29", "Figures to September 29, 2023, in their latest editions")


# ---- what is wrong with the input


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outlok": []}, r"brief\.outlok: Extra inputs are not permitted"),
        (
            {"key_figures": [{"series": "nor.trade", "method": "guess"}]},
            r"brief\.key_figures\.0\.method: Input should be",
        ),
        ({"history_months": 3}, r"brief\.history_months: Input should be greater than or equal to 12"),
    ],
)
def test_settings_that_are_not_valid(maker: Maker, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        maker(**changes)


def test_settings_missing(tmp_path: Path) -> None:
    corridor = fakes.corridor(tmp_path)
    del corridor.about["brief"]
    with pytest.raises(DataError, match="the key 'brief' is missing"):
        brief_settings.read(corridor)


def test_effects_without_a_column(tmp_path: Path) -> None:
    effects = fakes.effects().drop(columns="q95")
    with pytest.raises(DataError, match="effects of measures: the column 'q95' is missing"):
        assemble(fakes.figures(), fakes.dossier(), None, effects, [], fakes.corridor(tmp_path), "en", DAY)


def test_unknown_series_and_fact(maker: Maker) -> None:
    with pytest.raises(InputError, match=r"series: 'nor\.trad' is not valid.*nearest valid: nor\.trade"):
        maker(key_figures=[{"series": "nor.trad"}])
    with pytest.raises(InputError, match=r"fact: 'river' is not valid.*nearest valid: river_length"):
        maker(key_figures=[{"series": "river", "method": "constant"}])


def test_wrong_format_paper_and_folder_leave_nothing(briefs: dict[str, Brief], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"format: 'docx' is not valid; allowed: html, pdf"):
        write(briefs["en"], tmp_path / "out", ["html", "docx"])
    with pytest.raises(InputError, match=r"paper: 'a5' is not valid; allowed: a4, letter"):
        write(briefs["en"], tmp_path / "out", paper="a5")
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=r"out: .*file.* is not valid; allowed: a place that can be written to"):
        write(briefs["en"], tmp_path / "file", ["html"])


# ---- output


def test_written_files(briefs: dict[str, Brief], tmp_path: Path) -> None:
    paths = write(briefs["es"], tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["brief_2023-09-29_es.html", "brief_2023-09-29_es.pdf"]
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(path.name for path in paths)
    again = write(briefs["es"], tmp_path / "again")
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]


def test_page_stands_alone(briefs: dict[str, Brief]) -> None:
    for lang, brief in briefs.items():
        page = html.render(brief)
        assert f'<html lang="{brief.locale}">' in page
        assert "<script" not in page
        assert not re.findall(r'\b(?:src|srcset|data)="', page)
        assert not re.findall(r"url\(|@import", page)
        assert page.count("<h1>") == 1
        assert page.count("<h2") == 7
        ids = re.findall(r'\bid="([^"]+)"', page)
        targets = re.findall(r'href="#([^"]+)"', page)
        assert set(targets) <= set(ids), lang


def test_words_of_the_input_cannot_become_markup(maker: Maker) -> None:
    hostile = {"en": "<b>&\"';}#[x] $y$ *z* \\", "es": "<b>"}
    brief = maker(title=hostile)
    page = html.render(brief)
    assert '<b>&"' not in page
    assert "&lt;b&gt;&amp;" in page
    text = pypdf.PdfReader(io.BytesIO(pdf.render(brief))).pages[0].extract_text()
    assert "#[x] $y$ *z* \\" in text


@pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("letter", (612, 792))])
def test_pdf(briefs: dict[str, Brief], paper: str, size: tuple[int, int]) -> None:
    made = pypdf.PdfReader(io.BytesIO(pdf.render(briefs["es"], paper)))
    box = made.pages[0].mediabox
    assert (round(box.width), round(box.height)) == size
    assert made.metadata is not None
    assert (
        made.metadata.title == "Informe para los diálogos de alto nivel, Según lo conocido el 29 de septiembre de 2023"
    )
    root = made.trailer["/Root"].get_object()
    assert root["/Lang"] == "es"
    assert "/StructTreeRoot" in root
    text = " ".join(page.extract_text() for page in made.pages)
    for words in ("Diálogo económico", "Personas en movimiento", "Solicitudes de protección", "150,000", "Fuentes"):
        assert words in text
    second = made.pages[1].extract_text()
    assert "PROVISIONAL" in second
    assert f"2 / {len(made.pages)}" in second
    assert "Informe para los diálogos de alto nivel" in second
    first = made.pages[0].extract_text()
    assert "104,000" in first
    assert "La situación actual" in first  # the contents
    assert "Personas en movimiento" not in first  # the second section starts a new page


# ---- the real corridor


@pytest.fixture(scope="module")
def real() -> dict[str, Brief]:
    corridor = corridors.load("us_mexico")
    figures, dossier = Figures.open(corridor), load_dossier(corridor)
    return {lang: assemble(figures, dossier, None, None, [], corridor, lang, "2023-09-29") for lang in LANGS}


@pytest.mark.parametrize("lang", LANGS)
def test_the_talks_of_september_2023(real: dict[str, Brief], lang: str) -> None:
    brief = real[lang]
    told = {
        "en": {
            "economic": "Third High-Level Economic Dialogue",
            "security": "Third High-Level Security Dialogue",
            "status": ["Held", "Held", "Announced", "Sought by one side (Mexico); not announced"],
            "border": "1,954 miles (3,145 km)",
        },
        "es": {
            "economic": "Tercer Diálogo Económico de Alto Nivel",
            "security": "Tercer Diálogo de Alto Nivel de Seguridad",
            "border": "1,954 millas (3,145 km)",
        },
    }[lang]
    meetings = {meeting.title: meeting for meeting in brief.talks.upcoming}
    assert meetings[str(told["economic"])].state == "held"
    assert meetings[str(told["security"])].state == "announced"
    sought = brief.talks.upcoming[-1]
    assert (sought.state, sought.when) == ("sought_by_one_side", "")
    if lang == "en":
        assert [one.status for one in brief.talks.upcoming] == told["status"]
    everyone = " ".join(side.text for meeting in brief.talks.upcoming for side in meeting.delegations)
    for name in ("Blinken", "Garland", "Mayorkas", "Bárcena"):
        assert name in everyone
    page = html.render(brief)
    for words in (told["border"], "140,000", "110,828", "74,764", "135,253", "AFP report of 29 September 2023"):
        assert str(words) in page
    deport = [one for one in brief.talks.commitments if "22" in one.when]
    assert deport
    assert all(one.sources for one in brief.talks.commitments)
    asylum = next(fact for fact in brief.talks.facts if "140,000" in fact.text)
    assert [check.value for check in asylum.checks] == ["150,000", "135,253"]
    overdose = next(fact for fact in brief.talks.facts if "110,000" in fact.text)
    assert overdose.checks[0].value == "110,828"
    assert overdose.checks[0].period == {"en": "12 months to April 2023", "es": "12 meses hasta abril de 2023"}[lang]


def test_no_later_figure_in_the_brief_of_september_2023(real: dict[str, Brief]) -> None:
    for brief in real.values():
        page = html.render(brief)
        for later in ("140,982", "140,831", "112,960", "113,177", "154,250", "269,735", "218,763"):
            assert later not in page
        for figure in [*brief.key_figures, *(row for group in brief.picture for row in group.rows)]:
            assert figure.sources
    marked = [figure.label for figure in real["en"].key_figures if figure.revised]
    assert "Encounters between ports of entry" in marked
    assert not any(figure.revised for figure in real["en"].key_figures if "Asylum" in figure.label)


def test_real_settings_name_only_what_there_is() -> None:
    corridor = corridors.load("us_mexico")
    wanted = brief_settings.read(corridor)
    figures = Figures.open(corridor)
    items = [*wanted.key_figures, *(row for group in wanted.picture for row in group.rows)]
    items += [item for check in wanted.talks.checks.values() for item in check.figures]
    for item in items:
        if item.method != "constant":
            assert item.member in figures.catalogue.members(item.series)
    assert set(wanted.talks.checks) <= {fact.id for fact in load_dossier(corridor).reported}
    for fan in wanted.outlook:
        assert (fan.history_member or fan.member) in figures.catalogue.members(fan.history or fan.id)


def test_real_settings_name_outcomes_of_the_model() -> None:
    corridor = corridors.load("us_mexico")
    wanted = brief_settings.read(corridor).measures
    named = {name for table in wanted.tables for name in table.columns} | set(wanted.chart)
    assert named <= set(corridor.yaml("model", "outcomes.yaml"))


def test_machinery_names_no_country() -> None:
    home = Path(brief_settings.__file__).parents[1]
    about = corridors.load("us_mexico").about
    names = [side[lang] for side in about["sides"].values() for lang in LANGS]
    files = [*home.glob("brief/**/*"), *home.glob("charts/*.py"), *home.glob("texts/*"), home / "i18n.py"]
    for path in files:
        if path.is_file() and path.suffix != ".pyc":
            text = path.read_text("utf-8")
            assert not [name for name in names if name in text], path
            assert "us_mexico" not in text, path
