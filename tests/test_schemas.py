"""The JSON Schemas agree with the code, and config/README.md with both."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from scripts.study import optuna_options, schema
from scripts.study.config import resolve
from scripts.study.errors import StudyError
from scripts.study.hyperparameters import HYPERPARAMETERS, Hyperparameter, defaults
from tests.configs import EMBEDDED, keys_of

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_readme_explains_every_key() -> None:
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    whole = schema.schema("config")
    keys = keys_of(whole) | {
        f"hyperparameters.<name>.{key}" for key in keys_of(whole["$defs"]["block"])
    }
    missing = sorted(key for key in keys if f"`{key}`" not in text)
    assert not missing
    options = {*optuna_options.SAMPLERS, *optuna_options.PRUNERS}
    for known in (*optuna_options.SAMPLERS.values(), *optuna_options.PRUNERS.values()):
        options |= known.keys()
    assert not sorted(name for name in options if f"`{name}`" not in text)


def test_readme_tells_type_unit_default_and_example_of_every_option() -> None:
    rows = [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in (ROOT / "config/README.md").read_text(encoding="utf-8").splitlines()
    ]
    for known in (optuna_options.SAMPLERS, optuna_options.PRUNERS):
        for name, options in known.items():
            for key, option in options.items():
                found = [row for row in rows if f"`{name}`" in row[0] and len(row) == 6]
                row = next(row for row in found if row[1].startswith(f"`{key}`"))
                assert all(row)
                if option.kind.startswith("int"):
                    assert f"whole number, {option.low:g} to {option.high:.0f}" in row[2]
                assert option.canonical(yaml.safe_load(row[5].strip("`"))) is not None


def test_readme_has_an_example_of_every_key() -> None:
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("| `") and line.count(" | ") == 4 and "keys below" not in line:
            key, kind, *_, meaning = line.strip("| ").split(" | ")
            plain = kind == "mapping" or key.startswith("`splits.validation`")
            assert "e.g. " in meaning or plain or key in ("`model.path`", "`dataset.path`"), key


def test_readme_tells_the_defaults_and_ranges_of_the_table() -> None:
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    for name, spec in HYPERPARAMETERS.items():
        row = next(
            line for line in text.splitlines() if line.startswith(f"| `hyperparameters.{name}`")
        )
        assert f"| `{spec.default}` |" in row
        assert spec.allowed() in row


def test_readme_tells_the_defaults_of_the_schema() -> None:
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")

    def check(node: Any, path: str) -> None:
        for key, below in node.get("properties", {}).items():
            rows = [line for line in text.splitlines() if line.startswith(f"| `{path}{key}` |")]
            default = below.get("default")
            if isinstance(default, bool):
                assert f"| `{str(default).lower()}` |" in rows[0]
            elif isinstance(default, str | int):
                assert f"| `{default}`" in rows[0]
            check(below, f"{path}{key}.")

    check(schema.schema("config"), "")


def test_readme_example_is_a_config() -> None:
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    blocks = [part.partition("```")[0] for part in text.split("```yaml\n")[1:]]
    assert blocks
    config = yaml.safe_load(blocks[0])
    assert resolve(config)["study"] == config["study"]


def test_every_key_has_a_description() -> None:
    def check(node: Any, path: str) -> None:
        for key, below in node.get("properties", {}).items():
            if "$ref" in below and "description" not in below:
                continue  # the 17 blocks, described once
            assert below["description"].endswith("."), f"{path}{key}"
            check(below, f"{path}{key}.")

    check(schema.schema("config"), "")
    check(schema.schema("config")["$defs"]["block"], "")


def test_schemas_know_every_hyperparameter_and_its_range() -> None:
    config = schema.schema("config")
    names = list(HYPERPARAMETERS)
    assert list(config["properties"]["hyperparameters"]["properties"]) == names
    assert list(config["$defs"]["configurations"]["items"]["properties"]) == names
    run = schema.schema("run")["properties"]["hyperparameters"]
    assert run["required"] == names
    assert run["properties"] == {name: as_schema(spec) for name, spec in HYPERPARAMETERS.items()}


def as_schema(spec: Hyperparameter) -> dict[str, Any]:
    if spec.kind == "categorical":
        return {"type": "string", "enum": list(spec.choices)}
    return {
        "type": "integer" if spec.kind == "int" else "number",
        "exclusiveMinimum" if spec.open_low else "minimum": spec.low,
        "exclusiveMaximum" if spec.open_high else "maximum": spec.high,
    }


@pytest.mark.parametrize("name", ["config", "run", "metrics"])
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(schema.schema(name))


def metrics() -> dict[str, Any]:
    share = {"accuracy": 0.5, "f1": 0.5, "precision": 0.5, "recall": 0.5}
    epoch = {"epoch": 1, "step": 9, "train_loss": 0.7, "loss": 0.6, "matthews_correlation": -0.1}
    return {
        "schema_version": 1,
        "status": "complete",
        "objective": {"metric": "f1", "direction": "maximize", "value": 0.5},
        "epochs": [{**epoch, **share}],
        "hyperparameters": defaults(),
        "seed": 42,
        "data": {"fingerprint": "0" * 64},
        "model": {"path": EMBEDDED, "revision": None, "sha256": "0" * 64},
        "precision": "fp32",
        "device": "cpu",
        "threads": 1,
        "versions": {"torch": "2.13.0"},
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "done"}, "status: 'done' is not one of complete, diverged, pruned"),
        ({"status": "diverged"}, "objective.value: 0.5 is not null"),
        ({"schema_version": 2}, "schema_version: 2 is not 1"),
        ({"hyperparameters": {}}, "hyperparameters.learning_rate: missing"),
        (
            {"hyperparameters": {**defaults(), "dropout": 1.0}},
            "hyperparameters.dropout: 1.0 is not < 1",
        ),
        ({"epochs": []}, "epochs: [] is not a list of at least 1"),
        ({"epochs": [{}]}, "epochs[0].epoch: missing"),
        ({"seconds": 3}, "seconds: unknown key 'seconds'"),
    ],
)
def test_metrics_schema(change: dict[str, Any], expected: str) -> None:
    schema.validate(metrics(), "metrics")
    with pytest.raises(StudyError) as caught:
        schema.validate({**metrics(), **change}, "metrics")
    assert expected in str(caught.value)


def test_metrics_of_a_diverged_run() -> None:
    record = {**metrics(), "status": "diverged", "epochs": []}
    record["objective"]["value"] = None
    schema.validate(record, "metrics")


def test_run_schema() -> None:
    schema.validate({"hyperparameters": defaults(), "seed": 42}, "run")
    with pytest.raises(StudyError, match=r"the file: \[\] is not a mapping with "):
        schema.validate([], "run")
