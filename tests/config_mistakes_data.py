"""Wrong values of the block `dataset`, and what is said of each."""

from tests.configs import COMMIT

# As in `tests.config_mistakes`: a key, a value to set there, and what the one line says.
DATA: list[tuple[str, object, str]] = [
    ("dataset", {}, ": {} is not a mapping with something in it"),
    ("dataset", {"name": "mrpc"}, ".path: missing"),
    ("dataset", {"path": "nyu-mll/glue", "name": "mrpc"}, ".revision: missing"),
    (
        "dataset",
        {"path": "nyu-mll/glue", "revision": "main"},
        ".revision: 'main' is not a full commit",
    ),
    ("dataset", {"path": "json"}, ".data_files: missing; path: json needs files"),
    (
        "dataset",
        {"path": "json", "data_files": "no.jsonl"},
        ".data_files: 'no.jsonl': no such file in ",
    ),
    (
        "dataset",
        {"path": "json", "data_files": {"train": ["config/config.yaml", "no.jsonl"]}},
        ".data_files.train[1]: 'no.jsonl': no such file",
    ),
    ("dataset", {"path": "csv", "data_files": "tests"}, ".data_files: 'tests': no such file"),
    (
        "dataset",
        {"path": "csv", "data_files": "*.nothing"},
        ".data_files: '*.nothing': no such file",
    ),
    (
        "dataset",
        {"path": "csv", "data_files": 5},
        ".data_files: 5 is not text or a list or a mapping",
    ),
    ("dataset", {"path": "csv", "data_files": []}, ".data_files: [] is not a list of at least 1"),
    (
        "dataset",
        {"path": "csv", "data_files": "https://me:secret@example.org/a.csv"},
        ".data_files: 'https://example.org/a.csv' came with a user, a password or a token",
    ),
    (
        "dataset",
        {"path": "csv", "data_dir": "https://example.org/a?token=secret"},
        ".data_dir: 'https://example.org/a' came with a user, a password or a token",
    ),
    (
        "dataset",
        {"path": "pandas", "revision": COMMIT},
        ".path: 'pandas' is a reader of datasets that Snaketune does not use",
    ),
    ("dataset", {"path": "csv", "data_dir": "no"}, ".data_dir: 'no': no such folder"),
    ("dataset", {"path": "csv", "data_dir": "tests", "revision": COMMIT}, ".revision: "),
    (
        "dataset",
        {"path": "json", "data_dir": "tests", "delimiter": ";"},
        ".delimiter: ';' does not go with path: json",
    ),
    ("dataset", {"path": "./no-folder"}, ".path: './no-folder': no such folder"),
    ("dataset", {"path": "~/my-data"}, ".path: '~/my-data' begins with ~, which is not expanded"),
    (
        "dataset",
        {"path": "csv", "data_files": {"train": "~/train.csv"}},
        ".data_files.train: '~/train.csv' begins with ~, which is not expanded here; write the",
    ),
    (
        "dataset",
        {"path": "config/config.yaml"},
        ".path: 'config/config.yaml' is a file; write path: csv and data_files: {train: config/",
    ),
    ("dataset", {"path": "./pyproject.toml"}, ".path: './pyproject.toml' is a file; write path"),
    ("dataset", {"path": "jsonl", "data_files": "x"}, ".path: 'jsonl': write path: json"),
    ("dataset", {"path": "CSV", "data_files": "x"}, ".path: 'CSV': write path: csv"),
    (
        "dataset",
        {"path": "tsv", "data_files": "x"},
        ".path: 'tsv': write path: csv and delimiter: \"\\t\"",
    ),
    (
        "dataset",
        {"path": "tsv", "delimiter": "\t", "data_files": "x"},
        ".path: 'tsv': write path: csv and delimiter",
    ),
    ("dataset", {"path": "text", "data_files": "README.md"}, ".path: text has no labels; write a"),
    (
        "dataset",
        {"path": "tests", "data_files": {"train": "no.csv"}},
        ".data_files.train: 'no.csv': no such file in tests",
    ),
    ("dataset", {"path": "./tests", "data_dir": "no"}, ".data_dir: 'no': no such folder in tests"),
    ("dataset", {"path": "tests", "name": "x"}, ".name: 'x' is for data sets of the hub"),
    ("dataset", {"path": "json", "token": "secret"}, ".token: unknown key 'token'"),
    ("dataset.path", "json", ": 'json' does not go with dataset.generated"),
    ("dataset.generated.train", 0, ": 0 is not >= 5"),
    ("dataset.generated.train", 50_000, ": 50000 is not <= 20000"),
    ("dataset.generated.size", 1, ": unknown key 'size'"),
]
