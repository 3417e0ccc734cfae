"""The generated paraphrases: same bytes, honest labels, balanced and separate splits, variety."""

import hashlib
import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from scripts import generate
from scripts.study.errors import StudyError
from scripts.training.lexicon import (
    FRAMES,
    MONTHS,
    NAMES,
    PLACES,
    ROLES,
    Frame,
    number_words,
    ordinal_words,
)
from scripts.training.paraphrases import (
    CHANGES,
    SPLITS,
    Dice,
    Event,
    Pair,
    Style,
    change,
    dates,
    measures,
    new_event,
    pairs,
    say,
    split_of,
)

SIZE = 600


@pytest.fixture(scope="module")
def splits() -> dict[str, list[Pair]]:
    return {split: list(itertools.islice(pairs(1, split), SIZE)) for split in SPLITS}


def frame(name: str) -> Frame:
    return next(frame for frame in FRAMES if frame.name == name)


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *options: str) -> None:
    sizes = ["--seed", "1", "--train", "40", "--validation", "20", "--test", "20"]
    arguments = ["generate", *sizes, "--output", str(folder), *options]
    monkeypatch.setattr(sys, "argv", arguments)
    generate.main()


def test_the_bytes_are_always_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run(monkeypatch, tmp_path)
    found = {
        split: hashlib.sha256((tmp_path / f"{split}.jsonl").read_bytes()).hexdigest()[:16]
        for split in SPLITS
    }
    assert found == {
        "train": "c718abd83d1b258d",
        "validation": "b5159297614bbf97",
        "test": "b30f167e976f3e24",
    }, "changed data change every result: on purpose only, then write the new hashes here"


def test_the_command_writes_json_lines_of_two_sentences_and_a_label(tmp_path: Path) -> None:
    sizes = ["--seed", "7", "--train", "10", "--validation", "5", "--test", "5"]
    command = [sys.executable, "-m", "scripts.generate", *sizes, "--output", str(tmp_path)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[1], capture_output=True)
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert len(rows) == 10
    assert all(list(row) == ["sentence1", "sentence2", "label"] for row in rows)
    assert Counter(row["label"] for row in rows) == {1: 6, 0: 4}


def test_a_larger_split_begins_with_the_smaller_one(splits: dict[str, list[Pair]]) -> None:
    assert list(itertools.islice(pairs(1, "train"), 50)) == splits["train"][:50]


def test_another_seed_gives_other_pairs(splits: dict[str, list[Pair]]) -> None:
    other = {pair[:2] for pair in itertools.islice(pairs(2, "train"), SIZE)}
    assert len(other & {pair[:2] for pair in splits["train"]}) < SIZE / 20


@pytest.mark.parametrize("size", [5, 7, 320, 599])
def test_six_in_ten_are_paraphrases_at_every_size(splits: dict[str, list[Pair]], size: int) -> None:
    for rows in splits.values():
        assert abs(sum(pair.label for pair in rows[:size]) - 0.6 * size) < 1


def test_every_split_has_every_kind_of_negative_in_the_same_share(
    splits: dict[str, list[Pair]],
) -> None:
    kinds = [Counter(map(difference, rows)) for rows in splits.values()]
    assert min(kinds[0].values()) >= 10
    for kind in kinds[0]:
        assert max(count[kind] for count in kinds) - min(count[kind] for count in kinds) <= 20


def difference(pair: Pair) -> str:
    """Return the places in which the two meanings differ."""
    fields = ("frame", "a", "b", "thing", "measure", "date", "denied")
    return "+".join(
        name for name, one, two in zip(fields, *pair.meanings, strict=True) if one != two
    )


def test_no_sentence_and_no_meaning_is_in_two_splits(splits: dict[str, list[Pair]]) -> None:
    for one, two in itertools.combinations(splits.values(), 2):
        assert not {s for pair in one for s in pair[:2]} & {s for pair in two for s in pair[:2]}
        assert not {m for pair in one for m in pair.meanings} & {
            m for pair in two for m in pair.meanings
        }


def test_no_pair_comes_twice_in_either_order(splits: dict[str, list[Pair]]) -> None:
    for rows in splits.values():
        assert len({frozenset(pair[:2]) for pair in rows}) == SIZE
        assert all(pair.sentence1 != pair.sentence2 for pair in rows)


def test_the_label_is_whether_the_meanings_are_equal(splits: dict[str, list[Pair]]) -> None:
    for pair in itertools.chain(*splits.values()):
        assert pair.label == (pair.meanings[0] == pair.meanings[1])


def test_a_sentence_has_one_meaning(splits: dict[str, list[Pair]]) -> None:
    meanings: dict[str, tuple[str, ...]] = {}
    for pair in itertools.chain(*splits.values()):
        for sentence, meaning in zip(pair[:2], pair.meanings, strict=True):
            assert meanings.setdefault(sentence, meaning) == meaning, sentence


NUMBERS = {number_words(number): number for number in (*range(2, 100), *range(100, 1000, 100))}
ORDINALS = {ordinal_words(number): number for number in range(1, 13)}


def facts(sentence: str) -> tuple[object, ...]:
    """Read people, numbers, month and denial off a sentence, without the generator."""
    text = sentence.lower().rstrip(".").replace(",", "")
    people = [
        concept[0] for concept in NAMES + ROLES
        if any(re.search(rf"\b{word.lower()}\b", text) for word in concept)
    ]  # fmt: skip
    for words, number in sorted({**NUMBERS, **ORDINALS}.items(), key=lambda item: -len(item[0])):
        text = re.sub(rf"\b{words}\b(?! hundred)", str(number), text)
    months = [month for month in MONTHS if re.search(rf"\b{month.lower()}\b", text)]
    denied = bool(re.search(r"\bnot\b|n't\b", text))
    return sorted(people), sorted(re.findall(r"\d+", text)), months, denied


def test_labels_hold_for_a_reader_who_knows_only_the_text(
    splits: dict[str, list[Pair]],
) -> None:
    for pair in itertools.chain(*splits.values()):
        same = facts(pair.sentence1) == facts(pair.sentence2)
        exchanged = difference(pair) in ("thing", "a+b")  # things, roles: other words or order
        assert same if pair.label else (not same or exchanged), pair


ANNA, PETER = NAMES[0], NAMES[1]


def test_passive_converse_verb_and_spelling_of_numbers_are_paraphrases() -> None:
    event = Event(frame("loan"), ANNA, PETER, measure=400, date=("May", 3))
    sentences = {
        say(event, Style(verb, order, 0, 0, measure, date, place, 0))
        for verb, order, measure, date, place in itertools.product((0, 0.5, 0.9), repeat=5)
    }
    assert {
        "Anna lent Peter four hundred dollars on May 3.",
        "On 3 May, Peter was lent $400 by Anna.",
        "Peter borrowed 400 dollars from Anna on the third of May.",
    } <= sentences


def test_roles_matter_except_where_they_are_equal() -> None:
    match = Event(frame("match"), ANNA, PETER, ("chess",))
    swapped = change(match, "roles", Dice("x"))
    assert swapped
    assert swapped.meaning() != match.meaning()
    meeting = Event(frame("meeting"), ANNA, PETER, PLACES[0])
    assert meeting.meaning() == Event(frame("meeting"), PETER, ANNA, PLACES[0]).meaning()
    assert change(meeting, "roles", Dice("x")) is None


def test_every_change_changes_the_meaning() -> None:
    dice = Dice("changes")
    done: Counter[str] = Counter()
    for template in FRAMES * 40:
        event = new_event(template, dice)
        for kind in set(CHANGES):
            other = change(event, kind, dice)
            if other:
                assert other.meaning() != event.meaning()
                done[kind] += 1
    assert set(done) == set(CHANGES)


def test_every_wording_is_a_clean_sentence() -> None:
    dice = Dice("wordings")
    for template in FRAMES:
        for _ in range(60):
            event = new_event(template, dice)
            text = say(event, Style(*(dice.random() for _ in Style._fields)))
            assert re.fullmatch(r"[A-Z][A-Za-z0-9$,'\- ]+\.", text), text
            assert "  " not in text
            assert split_of(event) in SPLITS


def test_concepts_of_a_list_share_no_word() -> None:
    for concepts in (NAMES, ROLES, *(template.things for template in FRAMES)):
        words = [word for concept in concepts for word in concept]
        assert len(words) == len(set(words))


def test_the_grammar_has_variety(splits: dict[str, list[Pair]]) -> None:
    words = {
        word
        for pair in splits["train"]
        for sentence in pair[:2]
        for word in re.findall(r"\w+", sentence.lower())
    }
    assert len(words) > 250
    assert len({pair.meanings[0][0] for pair in splits["train"]}) == len(FRAMES) >= 12
    assert sum(len(verb) for template in FRAMES for verb in template.wordings) >= 40


def test_numbers_and_dates_are_spelt_right() -> None:
    assert [number_words(number) for number in (7, 20, 45, 400, 9000)] == [
        "seven", "twenty", "forty-five", "four hundred", "nine thousand",
    ]  # fmt: skip
    assert [ordinal_words(number) for number in (1, 5, 8, 12, 20, 23)] == [
        "first", "fifth", "eighth", "twelfth", "twentieth", "twenty-third",
    ]  # fmt: skip
    assert dates("May", 3) == ["on May 3", "on 3 May", "on the third of May"]
    assert measures(30, "dollars") == ["30 dollars", "thirty dollars", "$30"]


@pytest.mark.parametrize("option", SPLITS)
@pytest.mark.parametrize("size", ["0", "-3", "4", "20001"])
def test_a_size_out_of_range_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: str, size: str
) -> None:
    with pytest.raises(StudyError, match=f"--{option}: {size} is not"):
        run(monkeypatch, tmp_path / "new", f"--{option}", size)
    assert not (tmp_path / "new").exists()
