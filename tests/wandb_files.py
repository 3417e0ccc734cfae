"""Reads what wandb writes in offline mode: LevelDB's log format, a record a protobuf message."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK = 32_768
# Length and type of a chunk stand after its checksum.
HEADER = struct.Struct("<IHB")


def records(path: Path) -> Iterator[Any]:
    """Yield the records of a .wandb file in their order."""
    from wandb.proto.wandb_internal_pb2 import Record

    content = path.read_bytes()
    assert content[:4] == b":W&B"
    position, parts = HEADER.size, b""
    while position + HEADER.size <= len(content):
        left = BLOCK - position % BLOCK
        if left < HEADER.size:
            position += left
            continue
        _, length, kind = HEADER.unpack_from(content, position)
        if kind == 0:
            position += left
            continue
        start = position + HEADER.size
        parts += content[start : start + length]
        position = start + length
        # 1 a whole record, 2 its first part, 3 a middle one, 4 its last.
        if kind in (1, 4):
            record = Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


def read(folder: Path) -> dict[str, Any]:
    """Return what an offline run's folder holds: run, config, history, summary, files, ended."""
    (path,) = folder.glob("run-*.wandb")
    found: dict[str, Any] = {
        "config": {},
        "history": [],
        "summary": {},
        "artifacts": [],
        "ended": 0,
    }
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found["run"] = record.run
            found["config"] |= _items(record.run.config.update)
        elif kind == "history":
            found["history"].append(_items(record.history.item))
        elif kind == "summary":
            found["summary"] |= _items(record.summary.update)
        elif kind == "artifact":
            found["artifacts"].append(record.artifact)
        elif kind == "request" and record.request.WhichOneof("request_type") == "log_artifact":
            found["artifacts"].append(record.request.log_artifact.artifact)
        elif kind == "exit":
            found["ended"] += 1
    return found


def _items(items: Any) -> dict[str, Any]:
    return {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in items}
