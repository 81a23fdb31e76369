"""Historical replay: episodes declared whole, what is held is held, and policy is not given what is not its doing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from acuerdo import corridor as corridors
from acuerdo import replay, replay_page
from acuerdo.charts.replay import ReplayChart, replay_spec
from acuerdo.engine.load import CorridorModel, load_model
from acuerdo.errors import DataError, InputError
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts
from acuerdo.inference.posterior import Posterior, packaged
from acuerdo.inference.problem import FIRST_MONTH
from acuerdo.replay import Episode, Outcome, held_from, run_episodes

DRAWS = 12


@pytest.fixture(scope="module")
def built() -> CorridorModel:
    return load_model()


@pytest.fixture(scope="module")
def figures(built: CorridorModel) -> Figures:
    return Figures.open(built.corridor)


@pytest.fixture(scope="module")
def episodes(built: CorridorModel) -> list[Episode]:
    return replay.load_episodes(built)


# --- what the file says -----------------------------------------------------------------------------------------------


def test_the_falls_that_must_be_shown_are_declared(episodes: list[Episode]) -> None:
    starts = {str(episode.base + 1) for episode in episodes}
    assert {"2019-06", "2023-01", "2023-05", "2024-01", "2024-06"} <= starts


def test_what_is_declared_is_in_the_published_figures(episodes: list[Episode], figures: Figures) -> None:
    for episode in episodes:
        table = figures.monthly(episode.series)["ALL"]
        before, by = table[episode.base], table[pd.Period(episode.by, "M")]
        assert (by < 0.7 * before) if episode.direction == "falls" else (by > before / 0.7), episode.id
        rest = table[pd.Period(episode.by, "M") : episode.months[-1]]
        if episode.recovers_by is not None:
            assert table[pd.Period(episode.recovers_by, "M")] > 1.3 * by, episode.id
        else:
            assert rest.max() < 0.7 * before, f"{episode.id} comes back: say by when"


def good(**changed: Any) -> dict[str, Any]:
    entry = {
        "id": "one",
        "entry": "M4",
        "title": {"en": "One", "es": "Uno"},
        "start": pd.Timestamp("2023-01-05").date(),
        "levers": ["interior_enforcement"],
        "series": "us.encounters.between_ports",
        "direction": "falls",
        "by": "2023-02",
        "recovers_by": "2023-04",
    }
    return {key: value for key, value in {**entry, **changed}.items() if value is not None}


def read(built: CorridorModel, folder: Path, *entries: dict[str, Any]) -> list[Episode]:
    (folder / "model").mkdir(exist_ok=True)
    folder.joinpath(*replay.FILE).write_text(yaml.safe_dump(list(entries)), encoding="utf-8")
    observables = built.corridor.path("model", "observables.yaml")
    (folder / "model" / "observables.yaml").write_bytes(observables.read_bytes())
    home = corridors.Corridor("elsewhere", folder, built.corridor.about)
    return replay.load_episodes(replace(built, corridor=home))


def test_a_whole_episode_is_read(built: CorridorModel, tmp_path: Path) -> None:
    (episode,) = read(built, tmp_path, good())
    assert str(episode.base) == "2022-12"
    assert (str(episode.months[0]), str(episode.months[-1]), len(episode.months)) == ("2022-10", "2023-09", 12)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (good(levers=["interior_enforcment"]), ("levers.0: 'interior_enforcment'", "nearest valid: interior_enforc")),
        (good(series="us.encounters"), ("series: 'us.encounters'", "nearest valid: us.encounters.")),
        (good(direction="drops"), ("direction: 'drops'", "falls, rises")),
        (good(start="soon"), ("start: 'soon' is not valid",)),
        (good(by="2022-12"), ("by: '2022-12' is not valid", "2023-01 to 2023-09", "nearest valid: 2023-01")),
        (good(by="2023-13"), ("by: '2023-13' is not valid",)),
        (good(recovers_by="2023-02"), ("recovers_by: '2023-02'", "2023-03 to 2023-09", "nearest valid: 2023-03")),
        (good(title={"en": "One"}), ("title.es: None is not valid",)),
        (good(levels=[]), ("field: 'levels' is not valid", "nearest valid: levers")),
    ],
)
def test_a_malformed_episode_says_where_and_what_is_allowed(
    built: CorridorModel, tmp_path: Path, entry: dict[str, Any], says: tuple[str, ...]
) -> None:
    with pytest.raises(InputError) as problem:
        read(built, tmp_path, entry)
    message = str(problem.value)
    assert "episodes.yaml, line " in message
    assert "\n" not in message
    for words in says:
        assert words in message, message


def test_a_name_that_stands_twice_is_refused(built: CorridorModel, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="id: 'one' is not valid"):
        read(built, tmp_path, good(), good())


# --- what is computed -------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.data())
def test_a_held_series_moves_until_it_is_held_and_not_after(values: list[float], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(values) - 1))
    held = np.asarray(held_from(np.array(values)[:, None], at))[:, 0]
    np.testing.assert_array_equal(held[: at + 1], values[: at + 1])
    np.testing.assert_array_equal(held[at:], values[at])


def outcome(published: float, policy: tuple[float, float], neither: float, direction: str = "falls") -> Outcome:
    """One month before at 1, then all months at a value; policy spread evenly over its ends."""
    episode = Episode.model_validate(good(direction=direction))
    months = len(episode.months)
    base = np.ones((replay.BEFORE, 101))

    def run(values: Any) -> Any:
        return np.concatenate([base, np.broadcast_to(values, (months - replay.BEFORE, 101))])

    spread = np.linspace(*policy, 101)
    seen = np.concatenate([np.ones(replay.BEFORE), np.full(months - replay.BEFORE, published)])
    return Outcome(episode, seen, run(np.full(101, published)), run(spread), run(np.full(101, neither)))


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (outcome(0.5, (0.4, 0.6), 1.0), "policy"),
        (outcome(0.3, (0.4, 0.6), 1.0), "part"),
        (outcome(0.5, (0.4, 1.6), 1.0), "other"),
        (outcome(0.5, (0.5, 0.5), 0.5), "other"),
        (outcome(1.5, (1.4, 1.6), 1.0, "rises"), "policy"),
        (outcome(1.5, (0.4, 0.6), 1.0, "rises"), "other"),
    ],
)
def test_a_move_that_policy_does_not_make_is_not_called_its_doing(one: Outcome, verdict: str) -> None:
    assert one.verdict == verdict
    np.testing.assert_allclose(one.by_policy * one.by_latent * one.neither[-1], one.fitted[-1])


def test_no_recovery_is_told_where_none_is_declared() -> None:
    one = outcome(0.5, (0.4, 0.6), 1.0)
    np.testing.assert_allclose(one.recovery(one.policy), 1.0)
    never = replace(one, episode=Episode.model_validate(good(recovers_by=None)))
    with pytest.raises(DataError, match="one: no recovery"):
        never.recovery(never.policy)


def test_the_picture_has_bands_lines_and_gaps() -> None:
    one = outcome(0.5, (0.4, 0.6), 1.0)
    policy = one.policy.copy()
    policy[-2:] = np.nan
    shown = ReplayChart(one.episode.months, one.published, policy, one.fitted, one.neither, one.episode.start)
    spec = replay_spec(shown, "Title", "unit", Texts("en"))
    assert len(spec["layer"]) == 9
    assert len(spec["layer"][0]["data"]["values"]) == len(one.episode.months) - 2


# --- with the model ---------------------------------------------------------------------------------------------------


def quiet(built: CorridorModel, months: pd.PeriodIndex, draws: int) -> dict[str, Any]:
    return {
        name: np.zeros((len(months), *([len(built.members(item.over))] if item.over else []), draws))
        for name, item in built.processes.items()
    }


@pytest.fixture(scope="module")
def posterior(built: CorridorModel) -> Posterior:
    return Posterior.load(packaged(built) / "latest.nc").take(np.arange(DRAWS))


@pytest.fixture(scope="module")
def wild(built: CorridorModel, posterior: Posterior) -> dict[str, Any]:
    """Latent series that never rest."""
    months = pd.period_range(FIRST_MONTH, posterior.month, freq="M")
    rng = np.random.default_rng(0)
    return {name: 0.3 * rng.standard_normal(x.shape) for name, x in quiet(built, months, DRAWS).items()}


@pytest.fixture(scope="module")
def outcomes(
    built: CorridorModel, figures: Figures, posterior: Posterior, wild: dict[str, Any], episodes: list[Episode]
) -> list[Outcome]:
    return run_episodes(built, figures, replace(posterior, paths=wild), episodes)


@pytest.mark.model
def test_the_three_runs_part_only_after_the_month_before(outcomes: list[Outcome]) -> None:
    for one in outcomes:
        np.testing.assert_allclose(one.policy[: replay.BEFORE], one.fitted[: replay.BEFORE], rtol=1e-9)
        np.testing.assert_allclose(one.neither[: replay.BEFORE], one.fitted[: replay.BEFORE], rtol=1e-9)
        assert np.isfinite(one.policy[one.episode.months <= pd.Period("2024-12")]).all()
        assert not np.allclose(one.policy[replay.BEFORE + 3], one.neither[replay.BEFORE + 3], rtol=1e-3)


@pytest.mark.model
def test_latent_series_at_rest_leave_nothing_to_them(
    built: CorridorModel, figures: Figures, posterior: Posterior, episodes: list[Episode]
) -> None:
    months = pd.period_range(FIRST_MONTH, posterior.month, freq="M")
    for one in run_episodes(built, figures, replace(posterior, paths=quiet(built, months, DRAWS)), episodes[:2]):
        np.testing.assert_allclose(one.by_latent, 1.0, rtol=1e-9)


@pytest.mark.model
def test_no_equation_names_a_month_of_the_record(built: CorridorModel) -> None:
    """No dummy for a date: the calendar comes in through levers, and what else is given by month is season."""
    given_ = [name for name, v in built.model.variables.items() if v.kind == "input"]
    assert all(name.startswith("year_") for name in given_)
    assert not [name for name in built.model.variables if re.search(r"20[12]\d", name)]


@pytest.mark.model
@pytest.mark.parametrize("lang", ["en", "es"])
def test_the_pages_hold_every_episode(
    built: CorridorModel, figures: Figures, outcomes: list[Outcome], lang: str
) -> None:
    texts = Texts(lang, built.corridor)
    page = replay_page.html(built, figures, outcomes, texts, "latest")
    files = replay_page.markdown(built, figures, outcomes, texts, "latest")
    assert page.count("<svg") == len(outcomes) + 4
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="', page)
    assert sum(name.endswith(".svg") for name in files) == len(outcomes)
    (markdown,) = (content for name, content in files.items() if name.endswith(".md"))
    for one in outcomes:
        assert one.episode.title[lang] in page
        assert replay_page.said(one, texts) in markdown
    assert len(replay_page.plain(outcomes, lang)) == len(outcomes)


@pytest.mark.model
def test_an_episode_outside_the_record_is_refused(
    built: CorridorModel, figures: Figures, posterior: Posterior, wild: dict[str, Any]
) -> None:
    late = Episode.model_validate(good(start=pd.Timestamp("2031-01-05").date(), by="2031-02", recovers_by=None))
    with pytest.raises(InputError, match="one, start: '2031-01-05' is not valid"):
        run_episodes(built, figures, replace(posterior, paths=wild), [late])


@pytest.mark.model
def test_the_model_shows_the_falls_and_policy_has_its_part(
    built: CorridorModel, figures: Figures, episodes: list[Episode]
) -> None:
    fitted = Posterior.load(packaged(built) / "latest.nc")
    for one in run_episodes(built, figures, fitted, episodes):
        episode = one.episode
        published = float(one.change(one.published, episode.by))
        assert abs(np.log(np.median(one.change(one.fitted, episode.by)) / published)) < 0.25, episode.id
        if episode.recovers_by is not None:
            assert np.median(one.recovery(one.fitted)) > 1.1, episode.id
        _, most = one.strongest
        assert np.quantile(most, 0.95) < 1, f"{episode.id}: the levers never surely move the model this way"
