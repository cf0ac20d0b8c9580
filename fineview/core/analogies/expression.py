"""What one types into the calculator, read as a weighted sum of words.

Two forms say the same: `man : woman :: king : ?` and `king - man + woman`. The second also knows
weights and brackets, `0.5 * (paris + rome) - france`, and quoted or joined phrases. What is still
being typed is read as far as it goes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from fineview.core.errors import FineviewError

LIMIT = 1000
"""Most characters of an expression."""
MOST_TERMS = 32
_PIECE = re.compile(r'\s+|"[^"]*"?|“[^”]*”?|[()+*/:−–×·?]|[^\s()+*/:−–×·?"“”]+')
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_MINUS = ("-", "−", "–")
_JOINTS = ("_", "-", " ", "")
_DEEPEST = 20


class ExpressionError(FineviewError):
    """The expression cannot be read; `start` and `end` say where."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class Term:
    """A word with its weight.

    Attributes:
        word: As the table writes it where it is known, else as typed.
        weight: Not 0.
        start: First character of it in the expression, where it stands first.
        end: Behind its last character.
    """

    word: str
    weight: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Expression:
    """A weighted sum of words.

    Attributes:
        terms: Different words, in the order of their first mention; those that cancel are gone.
        unknown: Words the table does not have; then there is nothing to calculate.
        complete: False while something is missing at the end, as behind a +.
    """

    terms: tuple[Term, ...]
    unknown: tuple[Term, ...] = ()
    complete: bool = True

    @property
    def analogy(self) -> tuple[str, str, str] | None:
        """Words (a, b, c) of `a : b :: c : ?` where the sum is c − a + b, else None."""
        if len(self.terms) != 3 or sorted(t.weight for t in self.terms) != [-1, 1, 1]:
            return None
        (a,) = (t.word for t in self.terms if t.weight < 0)
        c, b = (t.word for t in self.terms if t.weight > 0)
        return a, b, c


def sum_text(expression: Expression) -> str:
    """Return an expression as `king - man + woman`."""
    parts = []
    for number, term in enumerate(expression.terms):
        word = f'"{term.word}"' if _needs_quotes(term.word) else term.word
        size = abs(term.weight)
        sign = "-" if term.weight < 0 else "+" if number else ""
        factor = "" if size == 1 else f"{size:g} * "
        parts += [f"{sign} {factor}{word}" if number else f"{sign}{factor}{word}"]
    return " ".join(parts)


def form_text(a: str, b: str, c: str) -> str:
    """Return an analogy as `a : b :: c : ?`."""
    return f"{a} : {b} :: {c} : ?"


def read(text: str, known: Callable[[str], str | None]) -> Expression:
    """Read an expression.

    Args:
        text: What was typed; both forms.
        known: Returns a word as the table writes it, or None where it has no such word.

    Raises:
        ExpressionError: It cannot be read even as something half-typed; it says where, and how to
            write it.
    """
    if len(text) > LIMIT:
        raise ExpressionError(
            f"The expression has {len(text):,} characters: use at most {LIMIT:,}.", LIMIT, len(text)
        )
    pieces = _pieces(text, known)
    if any(piece.kind == ":" for piece in pieces):
        return _Form(pieces, known, len(text)).read()
    return _Sum(pieces, known, len(text)).read()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word, a number or a sign of the expression; `kind` is `word`, `phrase`, or the sign."""

    kind: str
    text: str
    start: int
    end: int


def _pieces(text: str, known: Callable[[str], str | None]) -> list[_Piece]:
    found: list[_Piece] = []
    for match in _PIECE.finditer(text):
        piece, start, end = match.group(), match.start(), match.end()
        if piece.isspace():
            continue
        if piece[0] in '"“':
            found.append(_Piece("phrase", piece.strip('"“”').strip(), start, end))
        elif piece in ("(", ")", "+", "/", ":", "?"):
            found.append(_Piece(piece, piece, start, end))
        elif piece in _MINUS:
            found.append(_Piece("-", piece, start, end))
        elif piece in ("*", "×", "·"):
            found.append(_Piece("*", piece, start, end))
        else:
            found += _with_hyphens(piece, start, known)
    return found


def _with_hyphens(piece: str, start: int, known: Callable[[str], str | None]) -> list[_Piece]:
    """Read `well-known` as one word where the table has it, and `king-man` as a difference."""
    parts = piece.split("-")
    if len(parts) == 1 or known(piece) is not None:
        return [_Piece("word", piece, start, start + len(piece))]
    found: list[_Piece] = []
    first = 0
    while first < len(parts):
        # The longest run of parts that is a word; a part alone is one in any case.
        last = next(
            (e for e in range(len(parts), first + 1, -1) if known("-".join(parts[first:e]))),
            first + 1,
        )
        at = start + sum(len(part) + 1 for part in parts[:first])
        word = "-".join(parts[first:last])
        if first:
            found.append(_Piece("-", "-", at - 1, at))
        if word:
            found.append(_Piece("word", word, at, at + len(word)))
        first = last
    return found


def _needs_quotes(word: str) -> bool:
    return (
        bool(re.search(r'[\s()+*/:?"“”]', word)) or word in _MINUS or bool(_NUMBER.fullmatch(word))
    )


class _Reader:
    """What both forms share: a place in the pieces, and words."""

    def __init__(
        self, pieces: list[_Piece], known: Callable[[str], str | None], length: int
    ) -> None:
        self.pieces = pieces
        self.known = known
        self.length = length
        self.place = 0
        self.complete = True

    def at(self, *kinds: str) -> bool:
        return self.place < len(self.pieces) and self.pieces[self.place].kind in kinds

    def take(self) -> _Piece:
        self.place += 1
        return self.pieces[self.place - 1]

    def word(self) -> tuple[Term, bool]:
        """Take a word, a phrase, or neighbouring words that are one phrase; say if it is known."""
        first = self.pieces[self.place]
        run = [first]
        if first.kind == "word":
            for piece in self.pieces[self.place + 1 :]:
                if piece.kind != "word":
                    break
                run.append(piece)
        for count in range(len(run), 0, -1):
            words = [piece.text for piece in run[:count]]
            found = self.spelled(words)
            if found is not None or count == 1:
                self.place += count
                end = run[count - 1].end
                text = words[0] if found is None else found
                return Term(text, 1.0, first.start, end), found is not None
        raise AssertionError("a run has a first word")

    def spelled(self, words: list[str]) -> str | None:
        parts = [part for word in words for part in word.split()]
        for joint in _JOINTS if len(parts) > 1 else ("",):
            found = self.known(joint.join(parts))
            if found is not None:
                return found
        return None

    def missing(self, what: str, piece: _Piece | None) -> ExpressionError:
        if piece is None:
            return ExpressionError(what, self.length, self.length)
        return ExpressionError(what, piece.start, piece.end)


class _Sum(_Reader):
    """sum := [-] product {(+|-) product}; product := [number *] (word | brackets) [/ number]."""

    def read(self) -> Expression:
        found, unknown = self.sum(0)
        if self.place < len(self.pieces):
            piece = self.pieces[self.place]
            if piece.kind == ")":
                raise self.missing("This bracket closes none: take it away.", piece)
            raise self.missing(
                f"Between the words before {piece.text!r} and it stands no sign: write + or - "
                f"between them, or quotes around a phrase.",
                piece,
            )
        terms = _together(found)
        if len(terms) > MOST_TERMS:
            raise ExpressionError(
                f"The expression has {len(terms)} words: use at most {MOST_TERMS}.", 0, self.length
            )
        return Expression(terms, tuple(unknown), self.complete and bool(self.pieces))

    def sum(self, depth: int) -> tuple[list[Term], list[Term]]:
        found: list[Term] = []
        unknown: list[Term] = []
        sign = 1.0
        while self.at("+", "-"):
            sign *= -1.0 if self.take().kind == "-" else 1.0
        while True:
            if self.place == len(self.pieces):
                self.complete = False
                return found, unknown
            terms, strange = self.product(depth)
            found += [_scaled(term, sign) for term in terms]
            unknown += strange
            if not self.at("+", "-"):
                return found, unknown
            sign = 1.0
            while self.at("+", "-"):
                sign *= -1.0 if self.take().kind == "-" else 1.0

    def product(self, depth: int) -> tuple[list[Term], list[Term]]:
        factor = 1.0
        while self.number_ahead():
            factor *= float(self.take().text)
            self.take()
        if self.place == len(self.pieces):
            self.complete = False
            return [], []
        piece = self.pieces[self.place]
        if piece.kind == "(":
            if depth == _DEEPEST:
                raise self.missing(f"Brackets stand more than {_DEEPEST} deep here.", piece)
            self.take()
            found, unknown = self.sum(depth + 1)
            if self.at(")"):
                self.take()
            elif self.place == len(self.pieces):
                self.complete = False
            else:
                raise self.missing(
                    f"Before {self.pieces[self.place].text!r} a + or - is missing.",
                    self.pieces[self.place],
                )
        elif piece.kind in ("word", "phrase"):
            term, is_known = self.word()
            found, unknown = ([term], []) if is_known else ([], [term])
        else:
            raise self.missing(
                f"Here stands {piece.text!r} where a word should: write as king - man + woman.",
                piece,
            )
        while self.at("*", "/"):
            sign = self.take()
            if self.place == len(self.pieces):
                self.complete = False
                break
            number = self.take()
            if not _NUMBER.fullmatch(number.text) or (sign.kind == "/" and float(number.text) == 0):
                raise self.missing(
                    f"{number.text!r} is no number to multiply or divide by: write as 0.5 * paris.",
                    number,
                )
            factor *= 1 / float(number.text) if sign.kind == "/" else float(number.text)
        return [_scaled(term, factor) for term in found], unknown

    def number_ahead(self) -> bool:
        """Whether a number with a * comes; a number alone is a word as any other."""
        return (
            self.at("word")
            and bool(_NUMBER.fullmatch(self.pieces[self.place].text))
            and self.place + 1 < len(self.pieces)
            and self.pieces[self.place + 1].kind == "*"
        )


class _Form(_Reader):
    """a : b :: c : ?"""

    def read(self) -> Expression:
        places: list[list[Term]] = [[]]
        unknown: list[Term] = []
        while self.place < len(self.pieces):
            piece = self.pieces[self.place]
            if piece.kind == ":":
                self.take()
                # The double colon in the middle is one sign.
                if len(places) == 2 and self.at(":"):
                    self.take()
                places.append([])
            elif piece.kind == "?":
                self.take()
                if len(places) != 4:
                    raise self.missing(
                        "The question mark stands last: write man : woman :: king : ?", piece
                    )
            elif piece.kind in ("word", "phrase"):
                term, is_known = self.word()
                if len(places) > 3 or places[-1]:
                    raise self.missing(
                        f"{piece.text!r} is one word too many: write man : woman :: king : ?", piece
                    )
                places[-1].append(term)
                if not is_known:
                    unknown.append(term)
            else:
                raise self.missing(
                    f"{piece.text!r} has no place in this form: write man : woman :: king : ?, "
                    f"or king - man + woman.",
                    piece,
                )
        if len(places) > 4:
            raise self.missing("There are too many colons: write man : woman :: king : ?", None)
        places += [[]] * (3 - len(places))
        a, b, c = places[:3]
        strange = {term.start for term in unknown}
        terms = [
            _scaled(term, weight)
            for part, weight in ((c, 1.0), (a, -1.0), (b, 1.0))
            for term in part
            if term.start not in strange
        ]
        return Expression(_together(terms), tuple(unknown), all((a, b, c)))


def _scaled(term: Term, factor: float) -> Term:
    return Term(term.word, term.weight * factor, term.start, term.end)


def _together(terms: list[Term]) -> tuple[Term, ...]:
    """Add the weights of a word that stands several times, and drop what cancels."""
    found: dict[str, Term] = {}
    for term in terms:
        before = found.get(term.word)
        weight = term.weight + (before.weight if before else 0.0)
        place = before or term
        found[term.word] = Term(term.word, weight, place.start, place.end)
    return tuple(term for term in found.values() if abs(term.weight) > 1e-12)
