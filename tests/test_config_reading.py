"""Reading config files and laying overlays over one another."""

import copy
from pathlib import Path

import pytest

from scripts.study.config import load, resolve
from scripts.study.errors import StudyError
from scripts.study.reading import merge, read
from tests.configs import STUDIES, small

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def write(folder: Path, text: str, name: str = "study.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("spelling", ["5e-5", "5.0e-5", "0.00005", "5E-05", ".5e-4", "50e-6"])
def test_numbers_are_read_as_people_write_them(tmp_path: Path, spelling: str) -> None:
    assert read(write(tmp_path, f"x: {spelling}")) == {"x": 5e-5}


@pytest.mark.parametrize("spelling", ["5e-1", "5.0e-1", "+.5E0", "50e-2"])
def test_numbers_that_yaml_takes_for_text_are_numbers_where_one_is_wanted(spelling: str) -> None:
    """So does Snakemake hand them on."""
    config = {**small(), "seed": "1e2", "confirm": {"seeds": "1e1"}, "study": "1e2"}
    config["dataset"] = {"path": "csv", "data_files": {"train": "https://e.org/a.csv"}}
    config["splits"] = {"validation_share": spelling, "test": None}
    study = resolve(config)
    assert study["splits"]["validation_share"] == 0.5
    found = study["seed"], study["confirm"]["seeds"], study["study"]
    assert found == (100, 10, "1e2")
    assert type(study["confirm"]["seeds"]) is int


@pytest.mark.parametrize(
    "value",
    ["2024-02-30", "9" * 5000, "0x_", "!!bool maybe", "!!timestamp x", "!!int abc", "[" * 1500,
     "2001-01-01 00:00:00 +99:99"],
)  # fmt: skip
def test_what_no_value_can_be_is_one_line(tmp_path: Path, value: str) -> None:
    with pytest.raises(StudyError, match=r"study\.yaml: .*[Yy]AML|line 1: ") as caught:
        read(write(tmp_path, f"seed: {value}\n"))
    assert "\n" not in str(caught.value)


def test_code_in_a_config_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "__use_yte__: true\n__definitions__:\n- import os\nstudy: a\n")
    with pytest.raises(StudyError, match=r"yaml: __use_yte__: a config holds values and no code"):
        read(path)


def test_text_that_only_looks_like_a_number_stays_text(tmp_path: Path) -> None:
    path = write(tmp_path, "{a: 1e-5x, b: '5e-5', c: 12040accade4e8a0, d: e5, e: 1110e}")
    assert read(path) == {
        "a": "1e-5x",
        "b": "5e-5",
        "c": "12040accade4e8a0",
        "d": "e5",
        "e": "1110e",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("study: a\nseed: 1\nstudy: b\n", ": line 3: the key 'study' stands there twice"),
        (
            "optuna:\n  sampler: {name: tpe, name: gp}\n",
            ": line 2: the key 'name' stands there twice",
        ),
        ("study: [a\n", ": line 2: "),
        ("study: a\n\tseed: 1\n", ": line 2: "),
        ("study: !!python/object/apply:os.system [ls]\n", ": line 1: "),
        ("study: *nowhere\n", ": line 1: found undefined alias"),
        ("- a\n- b\n", ": ['a', 'b'] is not a mapping"),
        ("just text\n", ": 'just text' is not a mapping"),
        ("a: 1\n---\nb: 2\n", ": line 2: "),
        (
            "study: 2024-01-31\n",
            ": study: '2024-01-31' is a date; put text in quotes",
        ),
        ("study: 2024-13-31\n", ": not valid YAML"),
        ("1: a\n", ": 1: the key is not text"),
        ("seed: .nan\n", ": seed: nan is not a finite number"),
        (
            "hyperparameters: {dropout: {grid: [0.1, -.inf]}}\n",
            ": hyperparameters.dropout.grid[1]: -inf",
        ),
        ("a: &a [*a]\n", ": a[0]"),
        ("a: &a {b: *a}\n", ": a.b"),
        ('study: "a\\0b"\n', ": study: 'a\\x00b' holds the control character"),
        ('study: "a\\nb"\n', ": study: 'a\\nb' holds the control character"),
        ("seed: 1" + "0" * 30 + "\n", "is too large; at most 18 digits"),
        ("seed: 1" + "0" * 5000 + "\n", ": not valid YAML"),
        ("{[a]: b}\n", ": "),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str, expected: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(StudyError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_anchors_may_repeat_a_block_but_not_grow_without_end(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a: &a {x: 1}\nb: {<<: *a, x: 2}\nc: *a\n")) == {
        "a": {"x": 1},
        "b": {"x": 2},
        "c": {"x": 1},
    }
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    with pytest.raises(StudyError, match="too large for a config"):
        read(write(tmp_path, bomb))


def test_missing_file_and_wrong_encoding(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"no\.yaml: no such file"):
        load(tmp_path / "no.yaml")
    path = tmp_path / "latin.yaml"
    path.write_bytes("study: größe".encode("latin-1"))
    with pytest.raises(StudyError, match="cannot be read as UTF-8 text"):
        load(path)
    with pytest.raises(StudyError, match="cannot be read"):
        load(tmp_path)
    with pytest.raises(StudyError, match="no config file given"):
        load()


def test_empty_file_is_an_empty_config(tmp_path: Path) -> None:
    path = write(tmp_path, "# nothing\n")
    with pytest.raises(StudyError, match="study: missing"):
        load(path)


def test_errors_of_overlays_name_all_files(tmp_path: Path) -> None:
    overlay = write(tmp_path, "seed: -1")
    with pytest.raises(StudyError) as caught:
        load("config/config.yaml", overlay)
    assert str(caught.value) == f"config/config.yaml + {overlay}: seed: -1 is not >= 0"


def test_mappings_merge_lists_replace_and_null_removes(tmp_path: Path) -> None:
    overlay = write(
        tmp_path,
        """
        study: other
        hyperparameters:
          learning_rate: {grid: [0.1, 0.2, 0.3, 0.4]}
          weight_decay: null
          train_batch_size: {search: {choices: null, low: 8, high: 64}}
        labels: null
        """,
    )
    base = load("config/config.yaml")
    study = load("config/config.yaml", overlay)
    blocks = study["hyperparameters"]
    assert study["study"] == "other"
    assert study["labels"] is None
    assert blocks["learning_rate"]["grid"] == [0.1, 0.2, 0.3, 0.4]
    assert blocks["learning_rate"]["screen"] == base["hyperparameters"]["learning_rate"]["screen"]
    assert blocks["weight_decay"] == {"baseline": 0.0}
    assert blocks["train_batch_size"]["search"] == {"low": 8, "high": 64, "log": False}


def test_later_overlays_win_and_may_bring_back(tmp_path: Path) -> None:
    one = write(tmp_path, "labels: null\nhyperparameters: null", "one.yaml")
    two = write(tmp_path, "labels: [a, b]\ngrid: {enabled: false}\noptuna: {trials: 0}", "two.yaml")
    study = load("config/config.yaml", one, two)
    assert study["labels"] == ["a", "b"]
    assert set(study["hyperparameters"]["dropout"]) == {"baseline"}


def test_snakemake_merges_in_the_same_way() -> None:
    from snakemake.utils import update_config  # type: ignore[import-untyped]

    one = {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}, "f": 1, "g": {"h": 1}}
    two = {"a": {"b": None, "c": [3]}, "d": None, "f": {"x": 1}, "g": {"h": {"i": 2}}}
    theirs = copy.deepcopy(one)
    update_config(theirs, copy.deepcopy(two))
    assert merge(one, two) == theirs
    assert merge(merge(one, two), one)["d"] == {"e": 1}


def test_config_as_snakemake_reads_it_resolves_to_the_same_study() -> None:
    from snakemake.common.configfile import load_configfile  # type: ignore[import-untyped]

    for name in ("config", *STUDIES):
        path = ROOT / f"config/{name}.yaml"
        assert resolve(load_configfile(str(path))) == load(path)
