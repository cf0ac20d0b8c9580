"""Methods of the calculator: names and what people are told, without the arithmetic."""

from dataclasses import dataclass
from typing import Literal

Method = Literal["add", "mul", "direction", "euclidean", "average", "lrcos"]


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """What people are told of a method.

    Attributes:
        title: Its name in the field.
        says: What it looks for, one sentence.
        source: Paper and section.
        needs_analogy: Whether it is for `a : b :: c : ?` alone.
        needs_pairs: Whether it learns the relation from several pairs.
        unit: What its scores are.
    """

    title: str
    says: str
    source: str
    needs_analogy: bool = False
    needs_pairs: bool = False
    unit: str = "cosine"


METHODS: dict[Method, MethodInfo] = {
    "add": MethodInfo(
        "3CosAdd",
        "The word whose vector has the smallest angle with the sum.",
        "Mikolov, Yih & Zweig 2013, NAACL, section 4",
    ),
    "mul": MethodInfo(
        "3CosMul",
        "Multiplies what 3CosAdd adds, so that no one large similarity decides alone.",
        "Levy & Goldberg 2014, CoNLL, section 6",
        unit="product of cosines",
    ),
    "direction": MethodInfo(
        "PairDirection",
        "The word that lies in the same direction from c as b does from a, however far.",
        "Mikolov, Yih & Zweig 2013, NAACL; named by Levy & Goldberg 2014, section 4",
        needs_analogy=True,
    ),
    "euclidean": MethodInfo(
        "Euclidean",
        "The word whose vector, at its true length, ends nearest to the sum.",
        "Mikolov et al. 2013, arXiv:1310.4546, section 5, in plain distance",
        unit="distance",
    ),
    "average": MethodInfo(
        "3CosAvg",
        "Adds the mean offset of several pairs to c, in place of one pair's.",
        "Drozd, Gladkova & Matsuoka 2016, COLING, section 3 (set-based methods)",
        needs_analogy=True,
        needs_pairs=True,
    ),
    "lrcos": MethodInfo(
        "LRCos",
        "The word near c that a logistic regression takes for a right word of such pairs.",
        "Drozd, Gladkova & Matsuoka 2016, COLING, section 3 (set-based methods)",
        needs_analogy=True,
        needs_pairs=True,
        unit="probability times cosine",
    ),
}
