"""What comes out of a config: every default filled in, every value canonical."""

import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.study import sources
from scripts.study.config import load, resolve
from scripts.study.errors import StudyError
from scripts.study.files import json_text
from scripts.study.hyperparameters import defaults
from scripts.study.schema import schema
from scripts.study.sources import local_data_files
from tests.configs import COMMIT, EMBEDDED, STUDIES, changed, keys_of, small

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_resolve_fills_in_every_default() -> None:
    study = resolve(
        {"study": "x", "model": {"path": EMBEDDED}, "dataset": {"generated": {}}}
        | {"grid": {"enabled": False}, "optuna": {"trials": 0}}
    )
    assert study == {
        "study": "x",
        "seed": 42,
        "objective": {"metric": "f1", "direction": "maximize"},
        "model": {"path": EMBEDDED, "revision": None, "sha256": None},
        "dataset": {"generated": {"seed": 1, "train": 640, "validation": 320, "test": 320}},
        "columns": {"text": ["sentence1", "sentence2"], "label": "label"},
        "splits": {"train": "train", "validation": "validation", "test": "test"},
        "labels": None,
        "training": {
            "precision": "auto",
            "eval_batch_size": 32,
            "threads": 1,
            "gpu": 1,
            "per_gpu": 1,
            "memory_mb": 3000,
            "runtime": 240,
        },
        "hyperparameters": {name: {"baseline": value} for name, value in defaults().items()},
        "baseline": {"seeds": 3},
        "screen": {"configurations": []},
        "rank": {"top": 3, "hyperparameters": None},
        "grid": {"enabled": False},
        "refine": {"configurations": []},
        "optuna": {
            "trials": 0,
            "batch_size": 4,
            "sampler": {"name": "tpe", "options": {}},
            "pruner": {"name": "none", "options": {}},
            "max_failed": 2,
            "warm_start": [],
        },
        "confirm": {"configurations": 3, "seeds": 5},
        "tracking": {
            "mlflow": {"enabled": False, "uri": None, "experiment": None},
            "wandb": {"enabled": False, "project": "snaketune", "entity": None},
            "tensorboard": {"enabled": False},
        },
    }


def ordered(value: object) -> object:
    """Return `value` such that comparing compares the order of keys as well."""
    if isinstance(value, dict):
        return [(key, ordered(item)) for key, item in value.items()]
    return [ordered(item) for item in value] if isinstance(value, list) else value


def test_resolved_study_equals_its_file_read_back_order_included() -> None:
    study = resolve(small())
    assert ordered(study) == ordered(json.loads(json_text(study)))


@pytest.mark.parametrize("name", ["config", *STUDIES])
def test_resolving_again_changes_nothing(name: str) -> None:
    study = load(ROOT / f"config/{name}.yaml")
    assert ordered(resolve(study)) == ordered(study)


def test_order_of_keys_in_the_config_does_not_matter() -> None:
    config = small()
    config["hyperparameters"] = dict(reversed(config["hyperparameters"].items()))
    assert ordered(resolve(config)) == ordered(resolve(small()))


def test_resolve_leaves_the_config_as_it_was() -> None:
    config = small()
    resolve(config)
    assert config == small()


def test_values_are_canonical() -> None:
    config = small()
    config["seed"] = 7.0
    config["hyperparameters"]["learning_rate"]["baseline"] = "1e-4"  # how Snakemake reads it
    config["hyperparameters"]["learning_rate"]["search"]["low"] = "1e-5"
    config["hyperparameters"]["train_batch_size"]["grid"] = [16.0, "32"]
    config["hyperparameters"]["dropout"]["screen"] = [0]
    config["optuna"] = {"trials": 12.0}
    config["screen"] = {"configurations": [{"learning_rate": "3e-4", "train_batch_size": 8.0}]}
    study = resolve(config)
    blocks = study["hyperparameters"]
    found = {
        "seed": study["seed"],
        "trials": study["optuna"]["trials"],
        "baseline": blocks["learning_rate"]["baseline"],
        "low": blocks["learning_rate"]["search"]["low"],
        "grid": blocks["train_batch_size"]["grid"],
        "screen": blocks["dropout"]["screen"],
        "listed": study["screen"]["configurations"],
    }
    expected = {
        "seed": 7,
        "trials": 12,
        "baseline": 1e-4,
        "low": 1e-5,
        "grid": [16, 32],
        "screen": [0.0],
        "listed": [{"learning_rate": 3e-4, "train_batch_size": 8}],
    }
    assert json_text(found) == json_text(expected)  # as text, since 32 == 32.0


def test_search_spaces() -> None:
    blocks = resolve(small())["hyperparameters"]
    assert blocks["learning_rate"]["search"] == {"low": 1e-5, "high": 1e-3, "log": True}
    assert blocks["train_batch_size"]["search"] == {"low": 8, "high": 64, "log": False, "step": 8}
    assert blocks["dropout"]["search"] == {"choices": [0.0, 0.1]}


def test_step_of_one_is_no_step_for_whole_numbers() -> None:
    config = changed("hyperparameters.train_batch_size.search", {"low": 1, "high": 9, "step": 1.0})
    block = resolve(config)["hyperparameters"]["train_batch_size"]
    assert block["search"] == {"low": 1, "high": 9, "log": False}


def test_decimal_steps_divide_their_range() -> None:
    search = {"low": 0.0, "high": 0.3, "step": 0.1}  # 0.3 / 0.1 is not 3 in binary floats
    study = resolve(changed("hyperparameters.dropout.search", search))
    assert study["hyperparameters"]["dropout"]["search"]["step"] == 0.1


def test_loss_is_minimized() -> None:
    study = resolve(changed("objective", {"metric": "loss"}))
    assert study["objective"] == {"metric": "loss", "direction": "minimize"}


def test_named_choice_sets_top() -> None:
    config = changed("rank", {"hyperparameters": ["dropout", "learning_rate"], "top": 9})
    assert resolve(config)["rank"] == {"top": 2, "hyperparameters": ["dropout", "learning_rate"]}


def test_default_top_is_at_most_the_number_of_candidates() -> None:
    config = small()
    del config["hyperparameters"]["dropout"]["grid"]
    assert resolve(config)["rank"]["top"] == 2


def test_null_test_split_means_that_there_is_none() -> None:
    assert resolve(changed("splits", {"test": None}))["splits"]["test"] is None


def test_slices_of_one_split() -> None:
    splits = {"train": "train[:96]", "validation": "train[96:128]", "test": None}
    assert resolve(changed("splits", splits))["splits"] == splits


def test_files_without_a_test_file_have_no_test_split(tmp_path: Path) -> None:
    files = {}
    for name in ("train", "validation"):
        files[name] = str(tmp_path / f"{name}.jsonl")
        Path(files[name]).write_text("{}\n")
    study = resolve(changed("dataset", {"path": "json", "data_files": files}))
    assert study["splits"]["test"] is None
    assert local_data_files(study["dataset"]) == [Path(files["train"]), Path(files["validation"])]


def test_patterns_and_urls_as_data_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "b.csv"):
        Path(name).write_text("x\n")
    files = {"train": ["a.csv", "[ab].csv"], "validation": "https://example.org/c.csv"}
    study = resolve(changed("dataset", {"path": "csv", "delimiter": "\t", "data_files": files}))
    assert local_data_files(study["dataset"]) == [Path("a.csv"), Path("b.csv")]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data_files": "https://e.org/a.csv?sv=1&sig=PLANTED"}, "a user, a password or a token"),
        ({"data_files": "https://e.org/a.csv;token=PLANTED"}, "a user, a password or a token"),
        ({"data_files": "https://e.org/a.csv#auth=PLANTED"}, "a user, a password or a token"),
        (
            {"data_files": "zip://v.csv::https://me:PLANTED@h/x.zip"},
            "a user, a password or a token",
        ),
        ({"data_files": "hf://datasets/a/b/train.csv"}, "names no commit"),
        ({"data_files": "hf://datasets/a/b@main/train.csv"}, "names no commit"),
        ({"data_files": "HF://datasets/a/b/train.csv"}, "names no commit"),
        ({"data_files": f"hf://datasets/a/b/train@{'a' * 40}"}, "names no commit"),
        (
            {"data_files": "https://huggingface.co/datasets/a/b/resolve/main/a.csv"},
            "names no commit; write resolve/ and 40 digits",
        ),
        (
            {"data_files": f"https://huggingface.co:443/datasets/a/b/blob/{'a' * 40}/a.csv"},
            "names no commit; write resolve/ and 40 digits",
        ),
        *(
            ({**source, **place}, "a user, a password or a token")
            for source in ({"path": "config"}, {"path": "a/b", "revision": "a" * 40})
            for place in (
                {"data_files": {"train": "https://me:PLANTED@e.org/a.csv"}},
                {"data_files": ["https://e.org/a.csv?token=PLANTED"]},
                {"data_dir": "https://me:PLANTED@e.org/"},
            )
        ),
        ({"path": "https://me:PLANTED@e.org/"}, "a user, a password or a token"),
        ({"data_files": "simplecache::https://me:PLANTED@e.org/a"}, "a user, a password or a"),
        ({"delimiter": '"'}, "is the quote character too"),
        ({"quotechar": ","}, "dataset.delimiter: ',' is the quote character too"),
        ({"delimiter": "é"}, "is not an ASCII character"),
    ],
)
def test_addresses_and_delimiters_that_are_refused(changes: dict[str, Any], words: str) -> None:
    files = {"path": "csv", "data_files": "config/config.yaml"}
    with pytest.raises(StudyError, match=words) as caught:
        resolve(changed("dataset", files | changes))
    assert "PLANTED" not in str(caught.value)


def test_addresses_that_are_taken() -> None:
    pinned = f"hf://datasets/a/b@{'a' * 40}/train.csv"
    page = f"https://huggingface.co/datasets/a/b/resolve/{'a' * 40}/train.csv"
    for file in (pinned, page, "https://e.org/design/train.csv?author=x&version=2"):
        files = {"train": file, "validation": file.replace("train.csv", "validation.csv")}
        dataset = {"path": "csv", "data_files": files}
        assert resolve(changed("dataset", dataset))["dataset"]["data_files"] == files


def test_files_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What datasets finds by itself is an input too, else an edit of it would rerun nothing."""
    (tmp_path / "here").mkdir()
    (tmp_path / "data/deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    for name in ("train.csv", "deep/more.csv", ".hidden"):
        Path("../data", name).write_text("x\n")
    found = [Path("../data/deep/more.csv"), Path("../data/train.csv")]
    assert local_data_files({"path": "../data"}) == found
    assert local_data_files({"path": "csv", "data_dir": "../data"}) == found
    files = {"train": "train.csv"}
    assert local_data_files({"path": "csv", "data_dir": "../data", "data_files": files}) == [
        Path("../data/train.csv")
    ]


def test_a_name_with_a_brace_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a{b}.csv"
    file.write_text("x\n")
    with pytest.raises(StudyError, match="has a brace in its name"):
        resolve(changed("dataset", {"path": "csv", "data_files": str(file)}))


def test_other_readers_of_datasets_are_known() -> None:
    known = datasets.packaged_modules._PACKAGED_DATASETS_MODULES
    assert set(known) - set(sources.FORMATS) <= set(sources._READERS)


def test_model_in_a_local_folder(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    path = str(tmp_path)
    assert resolve(changed("model", {"path": path}))["model"]["path"] == path


def test_hub_names_need_a_commit_but_no_hash() -> None:
    config = changed("model", {"path": "someone/a-model", "revision": COMMIT})
    config["dataset"] = {"path": "someone/data", "revision": COMMIT}
    study = resolve(config)
    assert study["model"] == {"path": "someone/a-model", "revision": COMMIT, "sha256": None}
    assert study["dataset"] == config["dataset"]
    assert local_data_files(study["dataset"]) == []


def test_data_in_a_local_folder(tmp_path: Path) -> None:
    for dataset in ({"path": str(tmp_path)}, {"path": "csv", "data_dir": str(tmp_path)}):
        assert resolve(changed("dataset", dataset))["dataset"] == dataset


def test_one_warmup_is_fine() -> None:
    for name, value in (("warmup_steps", 10), ("warmup_ratio", 0.1)):
        study = resolve(changed(f"hyperparameters.{name}", {"baseline": value}))
        assert study["hyperparameters"][name]["baseline"] == value


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1e-5", "tpe", "f1", "dropout", "nan", "../x", "train", 10**40])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["low", "high", "choices", "baseline", "path", "name", "log", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
KEYS = sorted(keys_of(schema("config"))) + [
    f"hyperparameters.{name}.{key}"
    for name in ("dropout", "optim", "train_batch_size")
    for key in sorted(keys_of(schema("config")["$defs"]["block"]))
]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), values, min_size=1, max_size=3))
def test_any_change_is_resolved_or_told_in_one_line(changes: dict[str, object]) -> None:
    config = small()
    for key, value in changes.items():
        block: Any = config
        *parents, last = key.split(".")
        for parent in parents:
            block = block.setdefault(parent, {})
            if not isinstance(block, dict):
                return
        block[last] = value
    try:
        study = resolve(config)
    except StudyError as error:
        text = str(error)
    else:
        text = ""
        assert json_text(resolve(study)) == json_text(study)
    assert "\n" not in text
    assert len(text) < 600
