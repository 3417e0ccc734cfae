"""Which class a label means: numbers and names, of CSV files, of the config, of the data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from scripts.study.errors import StudyError
from scripts.training.data import load, standardise
from scripts.training.labels import classes, from_cells
from scripts.training.tokens import UNLABELLED
from tests.test_data import PAIR, rows, splits, write


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([0, "x"], "row 2 of the train split has 'x' in 'label' where row 1 has 0; classes are"),
        ([1, False], "row 2 of the train split has false in 'label' where row 1 has 1; classes"),
        ([None, None], "no example of the train split has a class in 'label'"),
        (["", ""], "no example of the train split has a class in 'label'"),
        (range(1001), "'label' has 1,001 classes in the train split, more than 1,000; is it the"),
    ],
)
def test_a_column_that_is_none_of_classes(labels: Sequence[Any], told: str) -> None:
    with pytest.raises(StudyError, match=f"^columns.label: {told}"):
        classes(labels, "label", None)


@pytest.mark.parametrize(
    ("train", "validation", "expected"),
    [
        (["0", "1"], ["1"], ([0, 1], [1])),
        (["1.0", "0.0"], ["1"], ([1, 0], [1])),
        (["3", None, "-1"], ["0.5"], ([3, None, -1], [0.5])),
        (["1", "x", "2"], ["1", "2"], (["1", "x", "2"], ["1", "2"])),
        (["01", "1"], ["1"], (["01", "1"], ["1"])),
        (["1 ", " 0"], ["1"], ([1, 0], [1])),
        (["True", "false"], ["TRUE"], ([True, False], [True])),
        (["true", "false "], ["true"], (["true", "false"], ["true"])),
        (["TRUE"], ["FALSE"], (["TRUE"], ["FALSE"])),
        (["TRUE"], ["false"], ([True], [False])),
    ],
)
def test_labels_of_csv_files_are_numbers_where_all_of_them_are(
    train: list[str | None], validation: list[str | None], expected: tuple[list[Any], list[Any]]
) -> None:
    found = from_cells({"train": train, "validation": validation}, None)
    assert (found["train"], found["validation"]) == expected
    kinds = [type(value) for value in found["train"]]
    assert kinds == [type(value) for value in expected[0]]


def test_beside_names_a_cell_of_a_csv_file_is_a_number_where_it_reads_as_one() -> None:
    def read(*cells: str, names: Sequence[str] = ("neg", "pos")) -> list[Any]:
        return from_cells({"train": cells}, names)["train"]

    assert read("1", "neg", "0 ", "True", "?") == [1, "neg", 0, True, "?"]
    assert read("1", "5.0", names=("1", "5")) == ["1", 5]


def from_csv(folder: Path, **labels: list[str]) -> dict[str, Dataset]:
    """Return the splits read from CSV files with these labels."""
    wanted = [*PAIR["text"], PAIR["label"]]
    files = {role: write(folder / f"{role}.csv", rows(own)) for role, own in labels.items()}
    return {role: load({"path": "csv", "data_files": files}, role, wanted) for role in files}


def test_a_mistake_in_one_split_is_not_told_of_another(tmp_path: Path) -> None:
    read = from_csv(tmp_path, train=["0", "1"], validation=["0", "?"])
    with pytest.raises(StudyError, match=r"row 2 of the validation split has '\?' in 'label'"):
        standardise(read, PAIR, ["neg", "pos"])


def test_a_csv_test_split_marked_as_unlabelled(tmp_path: Path) -> None:
    read = from_csv(tmp_path, train=["neg", "pos"], test=["-1", "-1"])
    assert standardise(read, PAIR, None)[0]["test"]["label"] == [UNLABELLED] * 2


def test_a_column_that_is_missing_is_told_with_all_there_are(tmp_path: Path) -> None:
    read = from_csv(tmp_path, train=["neg", "pos"])
    read["train"] = load(
        {"path": "csv", "data_files": {"train": str(tmp_path / "train.csv")}},
        "train",
        ["one", "sentence", "label"],
    )
    with pytest.raises(StudyError, match="'sentence' is not in the train split; it has one, two, "):
        standardise(read, {"text": ["one", "sentence"], "label": "label"}, None)


def test_numbers_are_names_where_all_names_are_numbers() -> None:
    assert classes([1, 5], "label", ["5", "1"])[1] == {"5": 0, "1": 1, 5: 0, 1: 1}
    assert classes([1, 0], "label", ["no", "1"])[1] == {"no": 0, "1": 1, 0: 0, 1: 1}
    own = classes([1, 0], "label", ["5", "1"], own=["a", "b"])[1]
    assert own == {"5": 0, "1": 1, 0: 0, 1: 1}
    stars = splits([1, 5, 5])
    found, names = standardise(stars, PAIR, ["5", "1"])
    assert (found["train"]["label"], names) == ([1, 0, 0], ["5", "1"])
