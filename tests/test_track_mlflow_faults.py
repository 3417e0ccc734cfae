"""What is told of a store of MLflow's that is not whole, not there or not as it should be."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from scripts.study.errors import StudyError
from scripts.views.trackers import to_mlflow
from tests.mlflow_store import client, mlflow, no_store_of_the_user, send, uri_of
from tests.serving import free_port
from tests.tracked import tracked

# What other people's libraries warn of while they are at work.
pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.usefixtures(no_store_of_the_user.__name__),
]


def test_a_store_that_is_not_whole_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.store.db import utils

    home = tmp_path / "results" / "fabricated"
    tracked(home)

    def interrupted(engine: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(utils, "_upgrade_db", interrupted)
        with pytest.raises(KeyboardInterrupt):
            send(home)
    place = home.parent / to_mlflow.LOCAL
    assert not (place / to_mlflow.DATABASE).exists()
    # Killed, it would have left this.
    (place / f".{to_mlflow.DATABASE}.abc12345").write_bytes(b"half")
    assert send(home).startswith("mlflow: 16 of 16 runs sent")
    assert {path.name for path in place.iterdir()} == {"lock", "artifacts", to_mlflow.DATABASE}


def test_a_database_that_is_half_made_is_told_in_a_line(tmp_path: Path) -> None:
    home = tmp_path / "results" / "fabricated"
    tracked(home)
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE trace_info (request_id TEXT)")
    database.close()
    with pytest.raises(
        StudyError,
        match=r"other\.db: .*trace_info already exists; this store was never .* delete it, or name",
    ):
        send(home, f"sqlite:///{path}")


def test_a_database_is_told_of_with_the_cure_for_what_it_has(tmp_path: Path) -> None:
    home = tmp_path / "results" / "fabricated"
    tracked(home)
    rest = "then `snakemake track` sends the rest"
    folder = tmp_path / "folder.db"
    folder.mkdir()
    for uri, what, cure in (
        (f"sqlite:///{folder}", "unable to open database file", "can be reached"),
        ("postgresql://me:hush@localhost/db", "No module named 'psycopg2'", "install the package"),
        ("mysql+foo://me:hush@localhost/db", "Can't load plugin", "can be reached"),
    ):
        with pytest.raises(StudyError) as caught:
            send(home, uri)
        said = str(caught.value)
        assert what in said
        assert cure in said
        assert said.endswith(rest)
        assert not {"delete", "hush", "[SQL", "Background"} & set(said.replace(":", " ").split())
        assert "\n" not in said


@pytest.mark.parametrize(
    ("message", "cure"),
    [
        ("(sqlite3.OperationalError) database or disk is full", "make room, then"),
        ("Take a backup of your database, then run 'mlflow db upgrade <uri>'", "do so, then"),
        (
            "Experiment(name=x) already exists.",
            "what was sent stays; see that the store can be reached, then",
        ),
        ("RESOURCE_DOES_NOT_EXIST", "what was sent stays; see that the store can be reached, then"),
    ],
)
def test_an_error_of_mlflow_has_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: str, cure: str
) -> None:
    def failing(*arguments: object) -> str:
        raise mlflow.exceptions.MlflowException(message)

    home = tmp_path / "results" / "fabricated"
    tracked(home)
    monkeypatch.setattr(to_mlflow, "_send", failing)
    with pytest.raises(StudyError) as caught:
        send(home)
    assert f"{message}; {cure} `snakemake track` sends the rest" in str(caught.value)


def test_a_link_to_a_store_that_is_not_there_is_kept(tmp_path: Path) -> None:
    home = tmp_path / "results" / "fabricated"
    tracked(home)
    link = home.parent / to_mlflow.LOCAL / to_mlflow.DATABASE
    link.parent.mkdir()
    link.symlink_to(tmp_path / "not-mounted/mlflow.db")
    with pytest.raises(StudyError, match=r"mlflow\.db: a link to .*not-mounted/mlflow\.db, where"):
        send(home)
    assert link.is_symlink()


def test_a_server_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "results" / "fabricated"
    tracked(home)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:hidden@127.0.0.1:{free_port()}")
    with pytest.raises(StudyError) as caught:
        send(home)
    text = str(caught.value)
    assert text.startswith("tracking.mlflow: http://127.0.0.1:")
    assert "\n" not in text
    assert "hidden" not in text
    assert "what was sent stays" in text


def test_a_deleted_experiment(tmp_path: Path) -> None:
    home = tmp_path / "results" / "fabricated"
    tracked(home, stages=("baseline",), model=False)
    send(home)
    there = client(uri_of(home))
    there.delete_experiment(there.get_experiment_by_name("fabricated").experiment_id)
    with pytest.raises(StudyError, match=r"'fabricated' is deleted in sqlite:.*; restore it"):
        send(home)
