"""The final model: the run that a study recommends, trained again, kept, and scoring files."""

import csv
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from safetensors.numpy import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from scripts import fetch_model, model, predict, prepare, tokenise, train
from scripts.analysis.recommended import recommended
from scripts.study import plan
from scripts.study.config import resolve
from scripts.study.errors import StudyError
from scripts.study.files import read_json, write_json
from scripts.training import classifier
from scripts.views import card
from tests.analysis_runs import change
from tests.fabricate import fabricate
from tests.fabricate_runs import study as made_up
from tests.tiny import make_study

LABELS = ["no <b>bold</b>", "yes | [x](http://y)\\"]
COLUMNS = ["sentence1", "sentence2"]


def command(main: Callable[[], None], *arguments: object) -> None:
    before, sys.argv = sys.argv, ["command", *map(str, arguments)]
    try:
        main()
    finally:
        sys.argv = before


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the study.json of a study whose baseline is trained, and is its best run."""
    root = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        config = json.loads(make_study(root).read_text())
        config |= {"labels": LABELS, "confirm": {"seeds": 0}, "training": {"precision": "fp32"}}
        config["model"]["path"] = str(root / "tiny-model")
        config["dataset"]["data_files"] = {
            split: str(root / file) for split, file in config["dataset"]["data_files"].items()
        }
        resolved = resolve(config)
        folder = root / "results" / "tiny"
        write_json(folder / "study.json", resolved)
        run = plan.baseline_runs(resolved)[0]
        home = folder / "runs" / run.name
        write_json(
            home / "run.json", {"hyperparameters": dict(run.hyperparameters), "seed": run.seed}
        )
        data, tokens = folder / "data", folder / "data/tokens/16.safetensors"
        keys = ("dataset", "columns", "splits", "labels")
        source = json.dumps({key: resolved[key] for key in keys})
        command(prepare.main, "--source", source, "--output", data)
        facts = json.dumps(resolved["model"])
        command(fetch_model.main, "--model", facts, "--output", data / "model.json")
        arguments = ("--model", data / "model.json", "--output", tokens)
        command(tokenise.main, "--data", data, "--max-seq-length", 16, *arguments)
        arguments = ("--run", home / "run.json", "--tokens", tokens.parent, "--metric", "f1")
        arguments += ("--model", data / "model.json", "--info", data / "info.json")
        command(train.main, *arguments, "--precision", "fp32", "--output", home)
        write_json(folder / "best.json", {"run": run.name, "baseline": {"sd": 0.001}})
        assert "identical" in model.make(folder / "study.json")
    return folder / "study.json"


@pytest.fixture
def folder(study: Path) -> Path:
    return study.parent / "model"


def stored(study: Path) -> list[dict[str, str]]:
    """Return the rows of the run's predictions.csv."""
    (path,) = study.parent.glob("runs/*/predictions.csv")
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def validation(study: Path) -> list[dict[str, Any]]:
    path = study.parents[2] / "tiny-data/validation.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_loads_as_transformers_loads_any_model(folder: Path, study: Path) -> None:
    loaded = AutoModelForSequenceClassification.from_pretrained(folder)
    assert loaded.config.id2label == dict(enumerate(LABELS))
    assert {path.name for path in folder.glob("*.safetensors")} == {"model.safetensors"}
    assert not list(folder.glob("*.bin"))
    assert AutoTokenizer.from_pretrained(folder).model_max_length == 16
    classify = pipeline("text-classification", model=str(folder), device="cpu")
    pairs = [{"text": row["sentence1"], "text_pair": row["sentence2"]} for row in validation(study)]
    found = [classify(pair, truncation=True) for pair in pairs]
    assert [one["label"] for one in found] == [
        LABELS[int(row["predicted"])] for row in stored(study)
    ]
    scores = [
        max(float(row["probability_0"]), float(row["probability_1"])) for row in stored(study)
    ]
    assert [one["score"] for one in found] == pytest.approx(scores, abs=1e-5)


def test_it_knows_the_words_that_the_data_lack(folder: Path, study: Path) -> None:
    name = "bert.embeddings.word_embeddings.weight"
    before = load_file(study.parents[2] / "tiny-model/model.safetensors")[name]
    after = load_file(folder / "model.safetensors")[name]
    assert after.shape == before.shape
    # Nothing decays here, so an unused row is as it was: [UNK] and [MASK] are behind the padding's.
    same = (after == before).all(axis=1)
    assert same[4]
    assert not same[5:].any()


def test_the_same_study_gives_the_same_bytes(study: Path, tmp_path: Path) -> None:
    settings = read_json(study.parent / "model" / "tokenizer_config.json")
    assert not settings.keys() & set(model.LOADING)
    copy = tmp_path / "tiny"
    shutil.copytree(study.parent, copy)
    shutil.rmtree(copy / "model")
    (copy / "model").mkdir()
    (copy / "model" / "of-before.json").write_text("{}")
    model.make(copy / "study.json")
    files = {path.name: path.read_bytes() for path in (study.parent / "model").iterdir()}
    assert {path.name: path.read_bytes() for path in (copy / "model").iterdir()} == files
    assert not list(copy.glob(".model*"))


def test_another_outcome_is_refused(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home,) = study.parent.glob("runs/*")
    monkeypatch.setattr(model, "train_again", lambda *arguments: home)
    copy = tmp_path / "tiny"
    shutil.copytree(study.parent, copy)
    (path,) = copy.glob("runs/*/metrics.json")
    change(path, lambda document: document["objective"].update(value=0.1))
    with pytest.raises(StudyError, match="beyond 2 sd"):
        model.make(copy / "study.json")
    assert (copy / "model" / "README.md").exists()


@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv"])
def test_files_are_scored_as_in_the_study(
    study: Path, folder: Path, tmp_path: Path, kind: str
) -> None:
    source, target = tmp_path / f"in.{kind}", tmp_path / "out.csv"
    rows = validation(study)
    if kind == "jsonl":
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with source.open("w", newline="", encoding="utf-8-sig") as stream:
            writer = csv.DictWriter(
                stream, ["label", *COLUMNS], delimiter="\t" if kind == "tsv" else ","
            )
            writer.writeheader()
            writer.writerows(rows)
    command(predict.main, "--model", folder, "--input", source, "--output", target)
    with target.open(newline="") as stream:
        found = list(csv.DictReader(stream))
    right = stored(study)
    assert [row["predicted"] for row in found] == [row["predicted"] for row in right]
    assert [row["label"] for row in found] == [LABELS[int(row["predicted"])] for row in right]
    for name in ("probability_0", "probability_1"):
        assert [float(row[name]) for row in found] == pytest.approx(
            [float(row[name]) for row in right], abs=1e-5
        )


def test_json_lines_come_out_where_asked_for(study: Path, folder: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("\n".join(map(json.dumps, validation(study))))
    command(predict.main, "--model", folder, "--input", source, "--output", target)
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert [row["index"] for row in rows] == list(range(24))
    assert all(abs(row["probability_0"] + row["probability_1"] - 1) < 1e-9 for row in rows)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", 'sentence1,sentence2\na,"b\nc"\nd\n', "line 4: 1 cells, but the header has 2"),
        ("in.csv", "sentence1,sentence2\na,b\nc,\n", "line 3: sentence2 is missing"),
        ("in.csv", 'sentence1,sentence2\na,"b"x\n', "line 2: not valid CSV"),
        ("in.csv", "sentence1,other\na,b\n", "line 1: no column sentence2"),
        ("in.csv", "sentence1,sentence2\n", "holds no example"),
        ("in.csv", "", "no column sentence1"),
        ("in.tsv", "sentence1\tsentence2\na\tb\tc\n", "line 2: 3 cells"),
        ("in.jsonl", '{"sentence1": "a", "sentence2": "b"}\n{"sentence1"\n', "line 2: not valid"),
        ("in.jsonl", '\n{"sentence1": "a"}\n', "line 2: sentence2 is missing"),
        ("in.jsonl", '{"sentence1": "a", "sentence2": 5}\n', "line 1: sentence2 is 5, not a text"),
        ("in.jsonl", "[1]\n", "line 1: not a JSON object"),
        ("in.jsonl", '{"sentence1": "a", "sentence2": "\\ud800"}', "half a character"),
        ("in.jsonl", b"\xff\xfe", "not UTF-8"),
        ("in.txt", "a", "should end in one of"),
    ],
)
def test_a_bad_row_is_named_and_nothing_written(
    folder: Path, tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    source, target = tmp_path / name, tmp_path / "out.csv"
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    target.write_text("of before")
    with pytest.raises(StudyError, match="in\\.") as caught:
        command(predict.main, "--model", folder, "--input", source, "--output", target)
    assert message in str(caught.value)
    assert target.read_text() == "of before"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "out.csv"])


def test_changed_weights_are_refused(folder: Path, tmp_path: Path) -> None:
    """Those of another model of the same shape would score, and be wrong."""
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    changed = r"model\.safetensors: not the file that snaketune\.json names: it is changed"
    with pytest.raises(StudyError, match=changed):
        classifier.load(copy)
    (copy / "model.safetensors").unlink()
    with pytest.raises(StudyError, match=r"it is not there; delete the model's README\.md"):
        classifier.load(copy)
    (copy / "snaketune.json").write_text("[1]")
    with pytest.raises(StudyError, match=r"snaketune\.json: .* are not all in it"):
        classifier.load(copy)


def test_changed_names_of_classes_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    config = (copy / "config.json").read_text()
    (copy / "config.json").write_text(config.replace('"0": "', '"0": "not '))
    with pytest.raises(StudyError, match=r"config\.json: not the file that snaketune\.json names"):
        classifier.load(copy)
    for file in ("config.json", "model.safetensors", "tokenizer.json"):
        assert file in read_json(folder / "snaketune.json")["files"]


def test_facts_of_any_csv_file_are_taken(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    csv = {"delimiter": ";", "quotechar": "", "encoding": "latin-1", "column_names": ["a", "b"]}
    change(copy / "snaketune.json", lambda facts: facts.update({"csv": csv}))
    assert classifier.load(copy).facts["csv"] == csv


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("text_columns", value) for value in (5, [], ["a", "b", "c"], "text", [1])),
        *(("csv", value) for value in (5, {"delimiter": "ab"}, {"delimiter": ""}, {"quote": "'"})),
        *(("csv", value) for value in ({"encoding": "no"}, {"encoding": 5}, {"column_names": []})),
        ("csv", {"column_names": [1]}),
        *(("max_seq_length", value) for value in ("x", 0, True)),
        *(("eval_batch_size", value) for value in ("4", 0)),
        *(("precision", "x"), ("files", {}), ("files", [])),
    ],
)
def test_facts_that_no_study_writes_are_refused(
    folder: Path, tmp_path: Path, key: str, value: Any
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    change(copy / "snaketune.json", lambda facts: facts.update({key: value}))
    with pytest.raises(StudyError, match=r"snaketune\.json: .*delete the model's README\.md"):
        classifier.load(copy)


def test_the_input_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("sentence1,sentence2\na,b\n")
    with pytest.raises(StudyError, match=r"--output: .*in\.csv is the input"):
        command(predict.main, "--model", folder, "--input", path, "--output", path)
    missing = tmp_path / "missing.csv"
    with pytest.raises(StudyError, match=r"missing\.csv: no such file"):
        command(predict.main, "--model", folder, "--input", missing, "--output", path)


def test_other_folders_are_no_model(tmp_path: Path, study: Path) -> None:
    options = ("--input", "x.csv", "--output", tmp_path / "out.csv")
    with pytest.raises(StudyError, match=r"holds no snaketune\.json"):
        command(predict.main, "--model", study.parents[2] / "tiny-model", *options)
    with pytest.raises(StudyError, match="no such file"):
        command(predict.main, "--model", study.parent / "model", *options)


def test_the_card_is_read_by_the_hub(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    found = ModelCard(text)
    assert found.data.library_name == "transformers"
    assert found.data.pipeline_tag == "text-classification"
    assert found.data.base_model is None
    (metrics,) = {result.metric_value for result in found.data.eval_results} & {
        row["f1"] for row in read_json(next(folder.parent.glob("runs/*/metrics.json")))["epochs"]
    }
    assert f"{metrics:.4f}" in text
    assert "<b>" not in text
    assert "no \\<b\\>bold\\</b\\>" in text
    assert "yes \\| \\[x\\]\\(http\\://y\\)\\\\" in text
    assert "nothing was confirmed on fresh seeds" in text


def confirmed(tmp_path: Path, winner: int | None) -> tuple[dict[str, Any], Path]:
    """Return a made-up study with a confirmation, and its folder."""
    study = made_up(confirm=(3, 5))
    fabricate(tmp_path, study)
    change(tmp_path / "verdict.json", lambda document: document.update(winner=winner))
    return study, tmp_path


def test_the_recommended_run(tmp_path: Path) -> None:
    study, folder = confirmed(tmp_path, 2)
    verdict = read_json(folder / "verdict.json")
    assert recommended(study, folder).run == verdict["finalists"][1]["run"]
    change(folder / "verdict.json", lambda document: document.update(winner=None))
    assert recommended(study, folder).run == "baseline-seed42"
    assert "diverged" not in recommended(study, folder).why
    change(folder / "verdict.json", lambda document: document["baseline"].update(completed=3))
    assert recommended(study, folder).why.endswith("It diverged on 2 of 5 of them.")
    # Where there is nothing to confirm, none is trained on fresh seeds.
    nothing = {"values": [], "completed": 0}
    change(folder / "verdict.json", lambda document: document["baseline"].update(nothing))
    assert "diverged" not in recommended(study, folder).why
    change(
        folder / "runs/baseline-seed42/metrics.json", lambda document: document.update(status="d")
    )
    assert recommended(study, folder).run == "baseline-seed43"
    for seed in (43, 44):
        path = folder / f"runs/baseline-seed{seed}/metrics.json"
        change(path, lambda document: document.update(status="diverged"))
    best = read_json(folder / "best.json")["run"]
    assert recommended(study, folder).run == best
    unconfirmed = {**study, "confirm": {"configurations": 0, "seeds": 5}}
    change(folder / "verdict.json", lambda document: document.update(winner=1))
    assert recommended(unconfirmed, folder).run == best


def test_the_card_of_a_confirmed_winner(tmp_path: Path) -> None:
    study, folder = confirmed(tmp_path, 2)
    study["model"] = {"path": "distilbert/x", "revision": "0" * 40, "sha256": None}
    study["dataset"] = {"path": "nyu-mll/glue", "name": "mrpc", "revision": "1" * 40}
    verdict, info = (read_json(folder / name) for name in ("verdict.json", "data/info.json"))
    winner = verdict["finalists"][1]
    winner["test"]["completed"] = 4
    metrics = read_json(folder / "runs" / winner["run"] / "metrics.json")
    epoch = {"epoch": 1, **dict.fromkeys(card.METRICS, 0.5)}
    text = card.render(
        card.Card(
            study,
            {**info, "text_columns": 2},
            study["model"],
            read_json(folder / "best.json"),
            verdict,
            winner["run"],
            "Because.",
            {**metrics, "epochs": [epoch]},
            "identical",
        )
    )
    data = ModelCard(text).data
    assert data.base_model == "distilbert/x"
    assert data.datasets == ["nyu-mll/glue"]
    tested = [result for result in data.eval_results if result.dataset_split == "test"]
    assert [result.metric_value for result in tested] == [winner["test"]["mean"]]
    assert [result.metric_name for result in tested] == [
        "f1, mean over 4 fresh seeds of this configuration"
    ]
    assert f"± {winner['test']['sd']:.4f} (4 of 5 seeds)" in text.replace("\\", "")
    mean, sd = winner["mean"], winner["sd"]
    assert f"| finalist 2 (this model's) | {mean:.4f} ± {sd:.4f} |" in text
    assert card.escape(verdict["verdict"]) in text


def test_without_a_run_there_is_a_word_instead_of_a_model(study: Path, tmp_path: Path) -> None:
    copy = tmp_path / "tiny"
    shutil.copytree(study.parent, copy)
    change(copy / "best.json", lambda document: document.update(run=None))
    assert "no model" in model.make(copy / "study.json")
    assert [path.name for path in (copy / "model").iterdir()] == ["README.md"]
    assert "came to its end" in (copy / "model" / "README.md").read_text()


@pytest.mark.parametrize(
    "text",
    ["*a*", "_a_", "<script>", "[a](b)", "a|b", "`x`", "~~a~~", "\\", "a\nb", "&amp;", "{{ x }}"],
)
def test_markup_is_shown_as_it_is(text: str) -> None:
    escaped = card.escape(text)
    assert "\n" not in escaped
    assert escaped.replace("\\\\", "\0").replace("\\", "").replace("\0", "\\") == text.replace(
        "\n", " "
    )
