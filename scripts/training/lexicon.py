"""The words of the generated paraphrases: people, things, measures, dates and what can happen.

A concept is a tuple of words that mean the same, the first one naming it; two concepts of a list
never mean the same, so that exchanging them always changes what a sentence says.
"""

from dataclasses import dataclass

Concept = tuple[str, ...]


def _concepts(words: str) -> tuple[Concept, ...]:
    """Return concepts from comma-separated words, the synonyms of one concept joined by `/`."""
    return tuple(tuple(word.strip().split("/")) for word in words.split(","))


def _definite(words: str) -> tuple[Concept, ...]:
    """Return the same with a definite article before each word."""
    return tuple(tuple(f"the {word}" for word in concept) for concept in _concepts(words))


NAMES = _concepts(
    "Anna, Peter, Maria, Frank, Laura, Simon, Emma, Paul, Alice, David, Clara, Martin, Julia, "
    "Oliver, Sarah, Henry, Helen, Victor, Rosa, Oscar, Lucy, Daniel, Diana, George, Nina, Walter, "
    "Irene, Hugo, Sophie, Arthur, Ruth, Edward, Grace, Philip, Ellen, Thomas, Judith, Carl, Amy, "
    "Robert"
)
ROLES = _definite(
    "doctor/physician, lawyer/attorney, baker, farmer, singer/vocalist, pilot, writer/author, "
    "nurse, painter, banker, tailor, sailor, gardener, waiter, judge, soldier, miner, priest, "
    "actor, student/pupil, engineer, hunter"
)
PLACES = _concepts(
    "Paris, London, Rome, Berlin, Madrid, Vienna, Boston, Chicago, Tokyo, Dublin, Oslo, Cairo"
)
GOODS = _concepts(
    "coffee, corn/maize, cotton, silver, gold, coal, timber/lumber, sugar, salt, rice, wool, "
    "leather, gasoline/petrol, silk, land, wine, wheat, copper"
)
PARCELS = _definite(
    "letter, package/parcel, bill, map, key, photograph/photo, manuscript, medicine, "
    "telegram, contract"
)
PRESENTS = _definite("watch, guitar, book, coat, puppy, necklace, bicycle/bike, lamp, vase, violin")
SUBJECTS = _concepts(
    "chess, French, German, mathematics/math, history, pottery, swimming, law, music, biology"
)
GAMES = _concepts("tennis, golf, chess, darts, soccer/football, poker, badminton, rugby")
DANGERS = _concepts("prison/jail, danger/peril, drowning, poverty, debt, ruin, hunger, disgrace")

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
DAYS = tuple(range(1, 13))

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip


def number_words(number: int) -> str:
    """Return a whole number from 0 to 9,999 in words, such as `four hundred twenty`."""
    if number >= 1000:
        head, rest = f"{number_words(number // 1000)} thousand", number % 1000
    elif number >= 100:
        head, rest = f"{_SMALL[number // 100]} hundred", number % 100
    elif number >= 20:
        tens, rest = divmod(number, 10)
        return _TENS[tens] + (f"-{_SMALL[rest]}" if rest else "")
    else:
        return _SMALL[number]
    return f"{head} {number_words(rest)}" if rest else head


def ordinal_words(number: int) -> str:
    """Return a whole number from 1 to 99 as an ordinal, such as `twenty-third`."""
    stem, dash, last = number_words(number).rpartition("-")
    if last in _ORDINALS:
        last = _ORDINALS[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return stem + dash + last


@dataclass(frozen=True)
class Measure:
    """How much, how long or by how far: `numbers` of a `unit`, put into `phrase` at `{}`.

    `always`: the sentence is incomplete without it.
    """

    unit: str
    numbers: tuple[int, ...]
    phrase: str = "{}"
    always: bool = False


_PRICES = (*range(20, 100, 10), *range(100, 1000, 100))
_SMALL_NUMBERS = tuple(range(2, 13))


@dataclass(frozen=True)
class Frame:
    """Something that happens between two people, and every way to say it.

    In a template {a} and {b} are the people, {o} the thing, {x} the measure. A verb in brackets
    takes its past or its negation: `[sell]` gives `sold` or `did not sell`, `[was]` gives `was` or
    `was not`. All templates of a frame mean the same. `symmetric`: {a} and {b} may change places
    and the meaning stays. `dated`: the day may be told. `deniable`: denying it has one meaning.
    """

    name: str
    wordings: tuple[tuple[str, ...], ...]
    things: tuple[Concept, ...] = ()
    measure: Measure | None = None
    symmetric: bool = False
    dated: bool = True
    deniable: bool = True


PAST = {
    "beat": "beat", "borrow": "borrowed", "buy": "bought", "defeat": "defeated", "get": "got",
    "give": "gave", "learn": "learned", "lend": "lent", "lose": "lost", "marry": "married",
    "meet": "met", "owe": "owed", "receive": "received", "rescue": "rescued", "save": "saved",
    "sell": "sold", "send": "sent", "teach": "taught",
}  # fmt: skip

FRAMES = (
    Frame(
        "sale",
        (
            (
                "{a} [sell] {b} {o} {x}",
                "{a} [sell] {o} to {b} {x}",
                "{o} [was] sold to {b} by {a} {x}",
                "{o} [was] sold by {a} to {b} {x}",
            ),
            (
                "{b} [buy] {o} from {a} {x}",
                "{o} [was] bought by {b} from {a} {x}",
                "{o} [was] bought from {a} by {b} {x}",
            ),
        ),
        GOODS,
        Measure("dollars", _PRICES, "for {}"),
    ),
    Frame(
        "loan",
        (
            (
                "{a} [lend] {x} to {b}",
                "{a} [lend] {b} {x}",
                "{b} [was] lent {x} by {a}",
            ),
            ("{b} [borrow] {x} from {a}",),
        ),
        measure=Measure("dollars", _PRICES, always=True),
    ),
    Frame(
        "debt",
        (
            (
                "{a} [owe] {b} {x}",
                "{a} [owe] {x} to {b}",
                "{b} [was] owed {x} by {a}",
            ),
        ),
        measure=Measure("dollars", _PRICES, always=True),
        dated=False,
    ),
    Frame(
        "gift",
        (
            (
                "{a} [give] {b} {o}",
                "{a} [give] {o} to {b}",
                "{o} [was] given to {b} by {a}",
                "{b} [was] given {o} by {a}",
            ),
            ("{b} [receive] {o} from {a}", "{o} [was] received from {a} by {b}"),
            ("{b} [get] {o} from {a}",),
        ),
        PRESENTS,
    ),
    Frame(
        "mail",
        (
            (
                "{a} [send] {b} {o}",
                "{a} [send] {o} to {b}",
                "{b} [was] sent {o} by {a}",
                "{o} [was] sent to {b} by {a}",
            ),
        ),
        PARCELS,
    ),
    Frame(
        "lesson",
        (
            (
                "{a} [teach] {b} {o}",
                "{a} [teach] {o} to {b}",
                "{b} [was] taught {o} by {a}",
            ),
            ("{b} [learn] {o} from {a}",),
        ),
        SUBJECTS,
    ),
    Frame(
        "match",
        (
            ("{a} [beat] {b} at {o}", "{b} [was] beaten by {a} at {o}"),
            ("{a} [defeat] {b} at {o}", "{b} [was] defeated by {a} at {o}"),
            ("{b} [lose] to {a} at {o}",),
        ),
        GAMES,
    ),
    Frame(
        "rescue",
        (
            (
                "{a} [rescue] {b} from {o}",
                "{b} [was] rescued from {o} by {a}",
                "{b} [was] rescued by {a} from {o}",
            ),
            (
                "{a} [save] {b} from {o}",
                "{b} [was] saved from {o} by {a}",
                "{b} [was] saved by {a} from {o}",
            ),
        ),
        DANGERS,
    ),
    Frame(
        "arrival",
        (
            ("{a} reached {o} before {b}", "{a} reached {o} earlier than {b}"),
            ("{b} reached {o} after {a}", "{b} reached {o} later than {a}"),
        ),
        PLACES,
        dated=False,
        deniable=False,
    ),
    Frame(
        "age",
        (
            ("{a} is {x} older than {b}", "{a} is older than {b} by {x}"),
            ("{b} is {x} younger than {a}", "{b} is younger than {a} by {x}"),
        ),
        measure=Measure("years", _SMALL_NUMBERS, always=True),
        dated=False,
        deniable=False,
    ),
    Frame(
        "meeting",
        (("{a} [meet] {b} in {o}", "{a} and {b} [meet] in {o}"),),
        PLACES,
        symmetric=True,
    ),
    Frame(
        "wedding",
        (("{a} [marry] {b} in {o}",), ("{a} and {b} [get] married in {o}",)),
        PLACES,
        symmetric=True,
    ),
)
