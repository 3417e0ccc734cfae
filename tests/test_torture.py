"""The campaigns of tests/torture: the page that they write, and how they find what to kill."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import descendants, end_all_in, script
from tests.torture import campaign
from tools.project import PROJECT


def test_the_page_is_what_the_last_campaigns_found() -> None:
    assert campaign.PAGE.read_text(encoding="utf-8") == campaign.page(campaign.RESULTS)


def test_a_campaign_is_a_section_with_its_command_and_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "RESULTS", tmp_path)
    monkeypatch.setattr(campaign, "PAGE", tmp_path / "page.md")
    for name, title in (("long_run", "Long"), ("kills", "Kills")):
        campaign.record(name, title=title, command="python -m x", text="So.", figures={"runs": 3})
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert page.index("## Kills") < page.index("## Long")
    assert "    python -m x\n" in page
    assert "| runs | 3 |" in page
    assert "| commit | " in page


def test_counts_may_be_added_to_those_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "RESULTS", tmp_path)
    monkeypatch.setattr(campaign, "PAGE", tmp_path / "page.md")
    for commit, counts in (("one", {"kills": 150, "ends": 3}), ("two", {"kills": 60, "locks": 2})):
        monkeypatch.setattr(campaign, "COMMIT", commit)
        command = f"python -m x --{commit}"
        campaign.record("kills", title="", command=command, text="", figures=counts, add=True)
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "    python -m x --one\n    python -m x --two\n" in page
    for line in ("| kills | 210 |", "| ends | 3 |", "| locks | 2 |", "| commit | one, two |"):
        assert line in page


def test_a_campaign_that_nobody_knows_is_not_recorded() -> None:
    with pytest.raises(ValueError, match="flood: no campaign"):
        campaign.record("flood", title="", command="", text="", figures={})


def test_every_campaign_is_run_by_make_torture() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    (line,) = [line for line in makefile.splitlines() if line.startswith("CAMPAIGNS := ")]
    assert line.split()[2:] == list(campaign.CAMPAIGNS)
    for name in campaign.CAMPAIGNS:
        assert (PROJECT / f"tests/torture/{name}.py").exists()


def test_the_jobs_of_a_process_are_found_and_ended(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/wait.py").write_text("import time\nprint(flush=True)\ntime.sleep(60)\n")
    command = f"{sys.executable} -m scripts.wait | cat & wait"
    with subprocess.Popen(["bash", "-c", command], cwd=tmp_path, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        below = descendants(shell.pid)
        assert [script(process) for process in below if script(process)] == ["wait"]
        assert script(shell.pid) is None
        end_all_in(tmp_path)
        assert shell.wait(5) != 0
