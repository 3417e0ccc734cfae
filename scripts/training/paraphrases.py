"""Pairs of English sentences that mean the same or not, from a grammar: same seed, same bytes.

An `Event` is what a sentence means. Two sentences of one event are a paraphrase; a sentence of an
event and one of the event after a `change` are not, however alike they look.
"""

import hashlib
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from scripts.training.lexicon import (
    DAYS,
    FRAMES,
    MONTHS,
    NAMES,
    PAST,
    ROLES,
    Concept,
    Frame,
    number_words,
    ordinal_words,
)

SPLITS = ("train", "validation", "test")
# How often each kind of change makes a negative. Exchanged people are learnt first and roles last:
# with many more of the hard kinds, a few hundred pairs teach a small model nothing at all.
CHANGES = (
    *["people"] * 4, *["person"] * 3, *["thing"] * 2, "measure", "date", "negation", "roles",
)  # fmt: skip
# How often each choice is the one that tells two sentences apart.
ASPECTS = (*["order"] * 3, "verb", "people", "thing", "measure", "date", "place", "denial")

Item = TypeVar("Item")


class Dice:
    """Random choices from `random.Random.random`, the one sequence that Python promises to keep."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed).random

    def chance(self, share: float) -> bool:
        """Return True in `share` of all calls."""
        return self.random() < share

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of `items`."""
        return items[int(self.random() * len(items))]

    def shuffle(self, items: Sequence[Item]) -> list[Item]:
        """Return `items` in random order."""
        return sorted(items, key=lambda _: self.random())

    def deal(self, items: Sequence[Item]) -> Iterator[Item]:
        """Yield `items` for ever, all of them in random order before any comes again."""
        while True:
            yield from self.shuffle(items)


@dataclass(frozen=True)
class Event:
    """What happened: the frame, two people, and where told the thing, measure, (month, day)."""

    frame: Frame
    a: Concept
    b: Concept
    thing: Concept | None = None
    measure: int | None = None
    date: tuple[str, int] | None = None
    denied: bool = False

    def meaning(self) -> tuple[str, ...]:
        """Return what the event says; two sentences are paraphrases if theirs are equal."""
        people = (self.a[0], self.b[0])
        if self.frame.symmetric:
            people = (min(people), max(people))
        thing = self.thing[0] if self.thing else ""
        return (
            self.frame.name, *people, thing, str(self.measure or ""),
            " ".join(map(str, self.date or ())), "not" if self.denied else "",
        )  # fmt: skip


class Pair(NamedTuple):
    """Two sentences, 1 for a paraphrase and 0 for none, and what each of the two means."""

    sentence1: str
    sentence2: str
    label: int
    meanings: tuple[tuple[str, ...], tuple[str, ...]]


def new_event(frame: Frame, dice: Dice) -> Event:
    """Return a random event of `frame`."""
    people = NAMES if dice.chance(0.85) else ROLES
    a, b = dice.shuffle(people)[:2]
    measure, date = None, None
    extra = dice.random()
    if frame.measure and (frame.measure.always or extra < 0.2):
        measure = dice.pick(frame.measure.numbers)
    elif frame.dated and extra > 0.88:
        date = (dice.pick(MONTHS), dice.pick(DAYS))
    denied = frame.deniable and dice.chance(0.1)
    thing = dice.pick(frame.things) if frame.things else None
    return Event(frame, a, b, thing, measure, date, denied)


def change(event: Event, kind: str, dice: Dice) -> Event | None:
    """Return `event` with one thing changed, another meaning; None where it has no such thing.

    `kind` is one of `CHANGES`; `people` exchanges both, `person` one of the two.
    """
    frame = event.frame
    if kind == "roles" and not frame.symmetric:
        return replace(event, a=event.b, b=event.a)
    if kind == "measure" and frame.measure and event.measure:
        others = [number for number in frame.measure.numbers if number != event.measure]
        return replace(event, measure=dice.pick(others))
    if kind == "negation" and frame.deniable:
        return replace(event, denied=not event.denied)
    if kind == "people":
        people = NAMES if event.a in NAMES else ROLES
        a, b = dice.shuffle([it for it in people if it not in (event.a, event.b)])[:2]
        return replace(event, a=a, b=b)
    if kind == "person":
        people = NAMES if event.a in NAMES else ROLES
        other = dice.pick([person for person in people if person not in (event.a, event.b)])
        return replace(event, a=other) if dice.chance(0.5) else replace(event, b=other)
    if kind == "thing" and event.thing:
        return replace(event, thing=dice.pick([it for it in frame.things if it != event.thing]))
    if kind == "date" and event.date:
        month, day = event.date
        if dice.chance(0.5):
            return replace(event, date=(dice.pick([it for it in MONTHS if it != month]), day))
        return replace(event, date=(month, dice.pick([it for it in DAYS if it != day])))
    return None


class Style(NamedTuple):
    """How a sentence is said: for each choice a number from 0 to below 1, see `choose`."""

    verb: float
    order: float
    people: float
    thing: float
    measure: float
    date: float
    place: float
    denial: float


def choose(share: float, options: Sequence[Item]) -> Item:
    """Return the option that lies at `share` (0 to below 1) of `options`."""
    return options[int(share * len(options))]


def measures(number: int, unit: str) -> list[str]:
    """Return the spellings of a measure: `$400`, `400 dollars`, `four hundred dollars`."""
    spellings = [f"{number} {unit}", f"{number_words(number)} {unit}"]
    if unit == "dollars":
        spellings.append(f"${number}")
    return spellings


def dates(month: str, day: int) -> list[str]:
    """Return the spellings of a date: `on May 3`, `on 3 May`, `on the third of May`."""
    return [f"on {month} {day}", f"on {day} {month}", f"on the {ordinal_words(day)} of {month}"]


def verb_form(verb: str, denied: bool, style: Style) -> str:
    """Return the past or the denied past of a verb in the lexicon, or of `was`."""
    helper = choose(style.denial, ("was not", "wasn't") if verb == "was" else ("did not", "didn't"))
    if verb == "was":
        return helper if denied else verb
    return f"{helper} {verb}" if denied else PAST[verb]


def say(event: Event, style: Style) -> str:
    """Return the sentence that tells `event` in `style`."""
    frame, a, b = event.frame, event.a, event.b
    words = [choose(style.people, a), choose(style.people, b)]
    if frame.symmetric and style.place < 0.5:
        words.reverse()
    measure = ""
    if frame.measure and event.measure:
        spellings = measures(event.measure, frame.measure.unit)
        measure = frame.measure.phrase.format(choose(style.measure, spellings))
    thing = choose(style.thing, event.thing) if event.thing else ""
    template = choose(style.order, choose(style.verb, frame.wordings))
    text = re.sub(r"\[(\w+)\]", lambda verb: verb_form(verb[1], event.denied, style), template)
    text = text.format(a=words[0], b=words[1], o=thing, x=measure).strip()
    if event.date:
        date = choose(style.date, dates(*event.date))
        text = choose(style.place, (f"{date}, {text}", f"{text} {date}"))
    return f"{text[0].upper()}{text[1:]}."


def split_of(event: Event) -> str:
    """Return the one split in which an event may be told, by a hash of its meaning.

    So no sentence of one split means what a sentence of another split means.
    """
    digest = hashlib.sha256("|".join(event.meaning()).encode()).digest()
    return SPLITS[digest[0] % len(SPLITS)]


def pairs(seed: int, split: str) -> Iterator[Pair]:
    """Yield pairs for ever, the same for the same seed and split: 3 paraphrases in every 5.

    A larger data set thus begins with the smaller one. No pair comes twice, in either order.
    """
    dice = Dice(f"paraphrases:{seed}:{split}")
    frames, kinds = dice.deal(FRAMES), dice.deal(CHANGES)
    seen: set[frozenset[str]] = set()
    index = 0
    while True:
        label = int(3 * index % 5 < 3)
        first, second = _two_events(label, split, frames, kinds, dice)
        style = Style(*(dice.random() for _ in Style._fields))
        sentence = say(first, style)
        reworded = reword(second, style, dice)
        if sentence == reworded or frozenset((sentence, reworded)) in seen:
            continue
        seen.add(frozenset((sentence, reworded)))
        yield Pair(sentence, reworded, label, (first.meaning(), second.meaning()))
        index += 1


def reword(event: Event, style: Style, dice: Dice) -> str:
    """Return a sentence for `event` in `style` but for one choice: another word order, verb, ...

    Where `event` leaves nothing to choose, the sentence in `style` itself.
    """
    text = say(event, style)
    for aspect in dice.shuffle(ASPECTS) * 3:
        changed = say(event, style._replace(**{aspect: dice.random()}))
        if changed != text:
            return changed
    return text


def _two_events(
    label: int, split: str, frames: Iterator[Frame], kinds: Iterator[str], dice: Dice
) -> tuple[Event, Event]:
    """Return two events of `split`: the same one twice for label 1, else one and its change."""
    frame = next(frames)
    kind = next(kinds) if not label else ""
    tries = 0
    while True:
        tries += 1
        if tries % 20 == 0:  # a frame that never has what this kind changes
            frame = next(frames)
        event = new_event(frame, dice)
        other = change(event, kind, dice) if kind else event
        if other and split_of(event) == split and split_of(other) == split:
            return event, other
