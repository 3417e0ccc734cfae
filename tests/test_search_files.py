"""The files of a search: what is not as a command wrote it is refused, named, no traceback."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts import ask, trial
from scripts.study.errors import StudyError
from scripts.study.files import read_json, write_json, write_text
from scripts.study.search_files import read_batch, read_scores, read_space, read_warm_start
from tests.asked import SEARCH, batch, run, write_metrics, write_space, write_warm_start

MEDIAN = {"name": "median", "options": {"n_startup_trials": 1}}
# Any JSON in any place; what happens to be right there is no mistake.
ANYTHING: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, 10**400, "", "adamw", [], [[]], {}, {"name": []}, {"low": 1},
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a search of two batches, which prunes."""
    space = write_space(tmp_path, pruner=MEDIAN)
    run(monkeypatch, ask, "--space", space, "--batch", 1)
    write_metrics(tmp_path, 1, 0.5, 0.6)
    write_metrics(tmp_path, 2, status="diverged")
    run(monkeypatch, ask, "--space", space, "--batch", 2)
    return tmp_path


def mutated(document: Any) -> Iterator[Any]:
    """Yield copies of a JSON document, each with one thing replaced, missing or too many."""

    def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        yield path
        if isinstance(node, dict | list):
            for key in list(node) if isinstance(node, dict) else range(len(node)):
                yield from places(node[key], (*path, key))

    for path in list(places(document)):
        for value in ANYTHING:
            changed = [copy.deepcopy(document)]
            home: Any = changed
            for key in (0, *path)[:-1]:
                home = home[key]
            home[(0, *path)[-1]] = value
            yield changed[0]
        if path:
            changed = [copy.deepcopy(document)]
            home = changed[0]
            for key in path[:-1]:
                home = home[key]
            del home[path[-1]]
            yield changed[0]


def refusals(path: Path, read: Callable[[Path], Any]) -> list[str]:
    """Return what `read` says of every mutation of the file that it refuses."""
    messages = []
    for document in mutated(read_json(path)):
        write_json(path, document)
        try:
            read(path)
        except StudyError as error:
            messages.append(str(error))
    return messages


def put(path: Path, place: tuple[str | int, ...], value: Any) -> None:
    """Put a value in one place of a JSON file."""
    document = read_json(path)
    home = document
    for key in place[:-1]:
        home = home[key]
    home[place[-1]] = value
    write_json(path, document)


def refusal(path: Path, read: Callable[[Path], Any]) -> str:
    """Return what `read` says is wrong with the file, between its name and the cure."""
    with pytest.raises(StudyError) as caught:
        read(path)
    before, after = f"{path}: ", "; delete the file and run snakemake again"
    assert str(caught.value).startswith(before)
    assert str(caught.value).endswith(after)
    return str(caught.value).removeprefix(before).removesuffix(after)


@pytest.mark.parametrize(
    ("name", "read"), [("space.json", read_space), ("batch-0002.json", read_batch)]
)
def test_any_json_is_read_or_refused(
    folder: Path, name: str, read: Callable[[Path], dict[str, Any]]
) -> None:
    path = folder / "optuna" / name
    assert read(path) == read_json(path)
    messages = refusals(path, read)
    assert len(messages) > 100
    assert all(message.startswith(f"{path}: ") for message in messages)
    cure = "; delete the file and run snakemake again"
    assert all(message.endswith(cure) for message in messages)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("seed",), True, "seed is true, not a whole number >= 0"),
        (("seed",), -1, "seed is -1, not a whole number >= 0"),
        (("batch_size",), 0, "batch_size is 0, not a whole number >= 1"),
        (("objective",), {}, "objective has the keys -, not metric, direction"),
        (
            ("objective", "direction"),
            "up",
            "objective.direction is 'up', not one of maximize, minimize",
        ),
        (("sampler", "name"), 5, "sampler.name is 5, not a text"),
        (("sampler", "options"), [], "sampler.options is [], not a mapping"),
        (("pruner",), {"name": "none"}, "pruner has the keys name, not name, options"),
        (("space",), [1], "space is [1], not a mapping"),
        (("space",), {}, "space: nothing is no hyperparameter"),
        (("space", "momentum"), {"choices": [1, 2]}, "space: momentum is no hyperparameter"),
        (("space", "dropout"), 1, "space.dropout is 1, not a mapping"),
        (("space", "dropout"), {"most": 1}, "space.dropout is {'most': 1}, not a search block"),
        (("space", "dropout"), {"choices": 1}, "space.dropout is {'choices': 1}, not a search"),
        (("baseline",), 1, "baseline is 1, not a mapping"),
        (("baseline", "learning_rate"), 5, "learning_rate: 5 is not a number > 0 and <= 1"),
        (("baseline", "dropout"), 0, "baseline: dropout is 0, not 0.0"),
        (("baseline", "momentum"), 0, "baseline: momentum missing or unknown"),
    ],
)
def test_a_space_that_no_study_has(
    folder: Path, place: tuple[str, ...], value: Any, told: str
) -> None:
    path = folder / "optuna/space.json"
    put(path, place, value)
    assert refusal(path, read_space).startswith(told)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("sampler",), {"name": "cmaes", "options": {}}, "optuna.sampler.name: 'cmaes' cannot"),
        (("space", "dropout"), {"low": 0.5, "high": 0.1, "log": False}, "dropout.search.low: 0.5"),
    ],
)
def test_a_space_that_no_config_may_have(
    folder: Path, place: tuple[str, ...], value: Any, told: str
) -> None:
    """What is wrong is said as it is said of a config."""
    path = folder / "optuna/space.json"
    put(path, place, value)
    assert told in refusal(path, read_space)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("batch",), 1, "batch is 1, not 2"),
        (("seed",), None, "seed is null, not a whole number >= 0"),
        (("trials",), {}, "trials is {}, not a list"),
        (("trials", 1), {"trial": 4}, "trials[1] has the keys trial, not trial, hyperparameters"),
        (("trials", 1, "trial"), 0, "trials[1].trial is 0, not a whole number >= 1"),
        (("trials", 1, "hyperparameters"), 7, "trial 4 is 7, not a mapping"),
        (("trials", 1, "hyperparameters", "dropout"), 0, "trial 4: dropout is 0, not 0.0"),
        (("pruning",), 1, "pruning is 1, not a mapping"),
        (("pruning",), {}, "pruning has the keys -, not pruner, direction, earlier"),
        (("pruning", "pruner", "name"), 1, "pruning.pruner.name is 1, not a text"),
        (("pruning", "direction"), "up", "pruning.direction is 'up', not one of maximize, min"),
        (("pruning", "earlier"), 1, "pruning.earlier is 1, not a list"),
        (("pruning", "earlier", 1), 1, "pruning.earlier[1] is 1, not a mapping"),
        (("pruning", "earlier", 1, "status"), "ok", "pruning.earlier[1].status is 'ok', not one"),
        (("pruning", "earlier", 1, "values"), 1, "pruning.earlier[1].values is 1, not a list"),
        (("pruning", "earlier", 1, "values"), [True],
         "pruning.earlier[1].values holds true, not a number"),
    ],
)  # fmt: skip
def test_a_batch_that_no_study_has(
    folder: Path, place: tuple[str | int, ...], value: Any, told: str
) -> None:
    path = folder / "optuna/batch-0002.json"
    put(path, place, value)
    assert refusal(path, read_batch).startswith(told)


def test_a_space_that_is_gone_is_asked_for_by_name(tmp_path: Path) -> None:
    path = tmp_path / "optuna/space.json"
    with pytest.raises(StudyError, match=rf"^{path}: no such file; .* \(-- {path}\), then again$"):
        read_space(path)


def test_any_whole_number_from_0_on_is_a_seed(folder: Path) -> None:
    for name, read in (("space.json", read_space), ("batch-0002.json", read_batch)):
        put(folder / "optuna" / name, ("seed",), 0)
        assert read(folder / "optuna" / name)["seed"] == 0


def test_a_batch_is_numbered_by_the_end_of_its_name(folder: Path) -> None:
    home = folder / "a-study"
    home.mkdir()
    path = (folder / "optuna/batch-0002.json").rename(home / "a-batch-0002.json")
    assert read_batch(path)["batch"] == 2


def test_another_batch_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "optuna/batch-0001.json"
    write_json(path, batch(folder, 2))
    arguments = ("--batch", path, "--trial", 1, "--output", folder / "run.json")
    with pytest.raises(StudyError, match=r"batch-0001\.json: batch is 2, not 1; delete the file"):
        run(monkeypatch, trial, *arguments)
    assert not (folder / "run.json").exists()


def test_a_warm_start_is_read_by_line(tmp_path: Path) -> None:
    write_space(tmp_path)
    path = tmp_path / "optuna/warm-start.csv"
    points = {"learning_rate": 1e-4, "train_batch_size": 8, "warmup_steps": 10}
    write_warm_start(tmp_path, [{"run": "a", "stage": "grid", "objective": 0.5, **points}])
    (found,) = read_warm_start(path, SEARCH)
    assert (found.parameters, found.status, found.values) == (points, "complete", [0.5])
    assert found.attributes == {"run": "a", "stage": "grid", "warm_start": True}
    header, line = path.read_text(encoding="utf-8").splitlines()
    for text, told in (
        ("", r"its columns are \[\], not those of its search space"),
        ("a,b\n1,2\n", r"its columns are \['a', 'b'\]"),
        (f"{header}\n{line}\nb,grid\n", "line 3: "),
        (f"{header}\n{line},9\n", "line 2: not a run with a finite objective"),
        (f"{header}\n{line.replace('0.5', 'nan')}\n", "line 2: not a run with a finite"),
        (f"{header}\n{line.replace('0.5', 'good')}\n", "line 2: could not convert"),
        (f"{header}\n{line.replace('0.0001', '7')}\n", "line 2: learning_rate: '7' is not"),
    ):
        write_text(path, text)
        with pytest.raises(StudyError, match=rf"warm-start\.csv: {told}"):
            read_warm_start(path, SEARCH)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError, match=r"warm-start\.csv: cannot be read"):
        read_warm_start(path, SEARCH)
    path.unlink()
    with pytest.raises(StudyError, match=r"warm-start\.csv: no such file"):
        read_warm_start(path, SEARCH)


def test_any_metrics_are_read_or_refused(tmp_path: Path) -> None:
    write_metrics(tmp_path, 1, 0.5, 0.75)
    path = tmp_path / "runs/optuna-0001-seed42/metrics.json"
    assert read_scores(path) == ("complete", [0.5, 0.75], "no reason")
    messages = refusals(path, read_scores)
    assert len(messages) > 20
    assert all(message.startswith(f"{path}: not the metrics of a run (") for message in messages)
    assert any("(a complete run without a score)" in message for message in messages)
    assert any("(status is 'adamw', not one of complete, " in message for message in messages)
    cure = f"; delete the folder {path.parent} and run snakemake again"
    assert all(message.endswith(cure) for message in messages)


def test_a_failed_trial_says_why(tmp_path: Path) -> None:
    write_metrics(tmp_path, 1, status="failed")
    path = tmp_path / "runs/optuna-0001-seed42/metrics.json"
    put(path, ("failure",), "no memory")
    assert read_scores(path) == ("failed", [], "no memory")
