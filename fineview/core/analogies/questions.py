"""Sets of analogy questions and of word pairs with judged similarity, as files write them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fineview.core.errors import DataError
from fineview.core.models.catalog import entry, locate
from fineview.core.models.fetch import is_stored

LARGEST_FILE = 64 << 20
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Section:
    """Questions of one relation.

    Attributes:
        name: As in the file, as `capital-common-countries`.
        questions: (a, b, c, d) each: a is to b as c is to d.
    """

    name: str
    questions: tuple[tuple[str, str, str, str], ...]

    @property
    def is_syntactic(self) -> bool:
        """Whether it asks for forms of words; Google's such sections begin with `gram`."""
        return self.name.startswith("gram")


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A file of questions.

    Attributes:
        name: `google`, `msr`, or a path.
        title: Name on screen.
        source: Where it comes from, one sentence.
        sections: In the file's order.
    """

    name: str
    title: str
    source: str
    sections: tuple[Section, ...]

    @property
    def count(self) -> int:
        """Questions of all sections."""
        return sum(len(section.questions) for section in self.sections)


@dataclass(frozen=True, slots=True)
class SimilaritySet:
    """Word pairs that people have judged.

    Attributes:
        name: `wordsim353`, `simlex999`, or a path.
        title: Name on screen.
        source: One sentence.
        pairs: (first, second, judged similarity).
    """

    name: str
    title: str
    source: str
    pairs: tuple[tuple[str, str, float], ...]


def question_sets(cache: Path) -> tuple[str, ...]:
    """Return the names of the question sets that are on this machine."""
    fetched = is_stored(entry("google-news-subset"), cache)
    return ("google", "msr") if fetched else ("google",)


def load_questions(name: str, cache: Path) -> QuestionSet:
    """Read a set of questions.

    Args:
        name: `google`, `msr`, or the path of a file of the same kind: four words a line, and lines
            `: relation` before each section.
        cache: Where fetched things lie.

    Raises:
        DataError: A line has another number of words, or there is none.
        ModelError: The set is not on this machine.
    """
    if name == "google":
        file, title = locate("google-analogies"), "Google"
        source = "Mikolov et al. 2013, arXiv:1301.3781, section 4.1"
    elif name == "msr":
        file, title = locate("google-news-subset", cache) / "MSR-syntax.txt", "MSR syntax"
        source = "Mikolov, Yih & Zweig 2013, NAACL, section 3"
    else:
        file = Path(name).expanduser()
        title, source = file.name, f"The local file {file}."
    return QuestionSet(name, title, source, _sections(file))


def _sections(file: Path) -> tuple[Section, ...]:
    sections: list[tuple[str, list[tuple[str, str, str, str]]]] = []
    for number, line in enumerate(_lines(file), start=1):
        words = line.split()
        if not words:
            continue
        if words[0].startswith(":"):
            name = line.strip()[1:].strip()
            sections.append((name or f"section {len(sections) + 1}", []))
            continue
        # MSR writes its relation behind the words: a b TAG c d is another file; here are four.
        if len(words) != 4:
            shown = line.strip()[:_SHOWN]
            raise DataError(
                f"Line {number:,} of {file.name} has {len(words)} word{'s'[: len(words) != 1]}, "
                f"{shown!r}: a question has four, as in 'man woman king queen'."
            )
        if not sections:
            sections.append((file.stem, []))
        a, b, c, d = words
        sections[-1][1].append((a, b, c, d))
    found = tuple(Section(name, tuple(rows)) for name, rows in sections if rows)
    if not found:
        raise DataError(f"{file.name} holds no question: write four words a line.")
    return found


def _lines(file: Path) -> Sequence[str]:
    try:
        size = file.stat().st_size
        if size > LARGEST_FILE:
            raise DataError(
                f"{file.name} has {size / 1e6:,.0f} MB, too many for a list of words: at most "
                f"{LARGEST_FILE >> 20} MB are read."
            )
        return file.read_bytes().decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{file.name} is no UTF-8 text (byte {error.start:,}).") from error
    except OSError as error:
        raise DataError(f"{file.name} cannot be read ({error.strerror or error}).") from error


def load_similarities(name: str) -> SimilaritySet:
    """Read judged word pairs.

    Args:
        name: `wordsim353`, `simlex999`, or the path of a file with two words and a number a line,
            divided by tabs; lines that begin with # and a header are left out.

    Raises:
        DataError: A line is something else.
        ModelError: The package that carries the file is missing.
    """
    folder = locate("google-analogies").parent
    if name == "wordsim353":
        file, title = folder / "wordsim353.tsv", "WordSim-353"
        source = "Finkelstein et al. 2002, ACM Transactions on Information Systems 20, 116–131"
    elif name == "simlex999":
        file, title = folder / "simlex999.txt", "SimLex-999"
        source = "Hill, Reichart & Korhonen 2015, Computational Linguistics 41, section 3"
    else:
        file = Path(name).expanduser()
        title, source = file.name, f"The local file {file}."
    pairs: list[tuple[str, str, float]] = []
    for number, line in enumerate(_lines(file), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.rstrip("\r").split("\t")
        try:
            pairs.append((fields[0].strip(), fields[1].strip(), float(fields[2])))
        except (IndexError, ValueError):
            if pairs:
                raise DataError(
                    f"Line {number:,} of {file.name} is {line.strip()[:_SHOWN]!r}: it should be "
                    f"two words and a number, divided by tabs."
                ) from None
    if not pairs:
        raise DataError(f"{file.name} holds no pairs: write two words and a number a line.")
    return SimilaritySet(name, title, source, tuple(pairs))
