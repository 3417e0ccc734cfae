"""How the examples spread over the classes: what accuracy is worth, and F1 is of."""

from typing import Any

from scripts.views.results import Results
from scripts.views.words import count, number

ROLES = ("train", "validation", "test")
# With more classes than this the table has the largest and the smallest ones.
LISTED = 20
# From this ratio of the largest class to the smallest on, accuracy hardly sees the small ones.
IMBALANCED = 3.0


def classes(results: Results) -> dict[str, Any] | None:
    """Return the table of classes by split and what to say of it; None where nothing is known.

    `heads` are the columns behind the class, `rows` pairs of a class and its cells, each cell with
    the number to sort by, `left_out` how many classes of middling size are not listed.
    """
    splits = results.info.get("splits") or {}
    names = list(results.info.get("labels") or ())
    roles = [role for role in ROLES if sum((splits.get(role) or {}).get("by_class") or ())]
    if not names or "train" not in roles:
        return None
    counts = {role: splits[role]["by_class"] for role in roles}
    order = sorted(range(len(names)), key=lambda index: (-counts["train"][index], index))
    shown = order
    if len(order) > LISTED:
        shown = order[: LISTED // 2] + order[-LISTED // 2 :]
    rows = []
    for index in shown:
        cells = []
        for role in roles:
            number, total = counts[role][index], sum(counts[role])
            cells.append((f"{number:,} ({number / total:.1%})", number))
        rows.append((names[index], cells))
    return {
        "heads": roles,
        "rows": rows,
        "left_out": len(order) - len(shown),
        "words": _words(results, names, counts["train"], order),
    }


def _words(results: Results, names: list[str], train: list[int], order: list[int]) -> str:
    largest, smallest = order[0], order[-1]
    if train[smallest] == 0:
        absent = sum(number == 0 for number in train)
        return (
            f"The training split has no example of {count(absent, 'class', 'classes')}, such as"
            f" {names[smallest]}: no model can learn to answer so."
        )
    ratio = train[largest] / train[smallest]
    if ratio < 1.05:
        return "All classes are equally common in the training split."
    text = (
        f"In the training split {names[largest]} is {number(ratio, 3)} times as common as"
        f" {names[smallest]}."
    )
    if ratio < IMBALANCED:
        return text
    text += " The classes are imbalanced: accuracy mostly tells of the common ones."
    if results.metric in ("accuracy", "loss"):
        text += (
            f" The study improves {results.metric}; f1 and matthews_correlation would weigh the"
            " rare ones, too."
        )
    return text
