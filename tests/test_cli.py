"""The command line as a person uses it: one clear line for what is wrong, exit code 2, nothing written."""

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import xarray as xr

from acuerdo import corridor as corridors
from acuerdo.engine.load import load_model
from acuerdo.inference.posterior import Posterior, file_name, packaged


def acuerdo(*args, env=None):
    return subprocess.run(
        [sys.executable, "-m", "acuerdo.cli", *map(str, args)], capture_output=True, text=True, env=env, check=False
    )


def refused(result, *says):
    assert result.returncode == 2, result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr
    for words in says:
        assert words in lines[0], lines[0]
    assert result.stdout == ""


def test_help_does_not_import_the_engine():
    code = "import sys, acuerdo.cli\nassert not {'jax', 'pandas', 'altair'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_libraries_tell_their_developers_is_not_shown(tmp_path):
    arviz = "try:\n    main()\nexcept SystemExit:\n    import arviz"  # which warns once a day
    code = f"import sys\nfrom acuerdo.cli import main\nsys.argv = ['acuerdo', '--help']\n{arviz}"
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert run.stderr == ""


def test_figures_list_and_show():
    listed = json.loads(acuerdo("figures", "list", "--json").stdout)
    assert len(json.dumps(listed)) > 1000
    shown = acuerdo("figures", "show", "us.overdose_deaths.all.12m", "--as-of", "2023-09-29", "--json")
    assert "110828" in shown.stdout


def test_unknown_series():
    refused(acuerdo("figures", "show", "us.encounters"), "series", "nearest valid: us.encounters.")


def test_a_date_that_is_none():
    refused(acuerdo("figures", "list", "--as-of", "2023-13-01"), "as-of", "2023-13-01", "YYYY-MM-DD")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """A copy of the package whose snapshot has lost its tail."""
    root = Path(corridors.__file__).parent
    home = tmp_path_factory.mktemp("copy")
    shutil.copytree(root, home / "acuerdo", ignore=shutil.ignore_patterns("__pycache__"))
    path = home / "acuerdo" / "corridors" / corridors.load().name / "figures" / "figures.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    return home


@pytest.mark.parametrize("command", [("figures", "list"), ("project", "--draws", "5"), ("brief",)])
def test_a_damaged_snapshot(damaged, tmp_path, command):
    import os

    out = ("--out", tmp_path / "new") if command[0] != "figures" else ()
    result = acuerdo(*command, *out, env={**os.environ, "PYTHONPATH": str(damaged)})
    refused(result, "figures.parquet")
    assert not (tmp_path / "new").exists()


@pytest.mark.model
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--set", "naloxon_kits=3"), ("lever", "naloxon_kits", "nearest valid: naloxone_kits")),
        (("--set", "asylum_decisions=1e9"), ("asylum_decisions", "0 to 20000", "nearest valid: 20000")),
        (("--set", "asylum_decisions=nan"), ("asylum_decisions", "0 to 20000")),
        (("--set", "asylum_decisions=300@2031-01"), ("asylum_decisions", "2031-01", "nearest valid")),
        (("--set", "asylum_decisions"), ("set", "LEVER=VALUE")),
        (("--months", "999"), ("months", "1 to 120", "nearest valid: 120")),
        (("--draws", "0"), ("draws", "nearest valid: 1")),
        (("--as-of", "2031-01-01"), ("as-of", "2031-01-01", "nearest valid")),
        (("--as-of", "yesterday"), ("as-of", "yesterday")),
        (("--measures", "no-such-file.yaml"), ("measures", "no-such-file.yaml")),
        (("--corridor", "us_mexic"), ("corridor", "nearest valid: us_mexico")),
    ],
)
def test_bad_input_to_project(tmp_path, args, says):
    out = tmp_path / "out.csv"
    refused(acuerdo("project", *args, "--out", out), *says)
    assert not list(tmp_path.iterdir())


@pytest.mark.model
def test_bad_language_of_a_brief(tmp_path):
    refused(acuerdo("brief", "--lang", "fr", "--out", tmp_path / "x"), "lang", "fr", "en, es")
    assert not list(tmp_path.iterdir())


@pytest.mark.model
def test_project_in_every_format(tmp_path):
    common = ("project", "--as-of", "2024-12", "--months", "2", "--draws", "20")
    csv = acuerdo(*common, "--set", "naloxone_kits=400000@2025-02").stdout.splitlines()
    assert csv[0].startswith("month,id,kind,member,unit,mean,q05")
    found = json.loads(acuerdo(*common, "--format", "json").stdout)
    built = load_model("us_mexico")
    notes = Posterior.load(packaged(built) / file_name(date(2024, 12, 31))).notes
    assert found["about"]["provisional"] == notes["provisional"]
    assert {row["month"] for row in found["rows"]} == {"2025-01", "2025-02"}
    assert acuerdo(*common, "--format", "netcdf", "--out", tmp_path / "p.nc").returncode == 0
    with xr.open_dataset(tmp_path / "p.nc", engine="h5netcdf") as data:
        assert data.sizes["month"] == 2
        assert data["mexico.homicides"].attrs["units"]
    refused(acuerdo(*common, "--format", "netcdf"), "out")
