"""What the strategy picture shows, as data and in words."""

from dataclasses import dataclass
from typing import Literal

from fineview.ui.widgets.format import count_text

HeadState = Literal["new", "training", "trained"]
Level = Literal["sentence", "pair", "word"]
BlockState = Literal["frozen", "trained", "random", "biases", "lora", "tangent"]
"""What a layer's weights do: stand still, move, stand still at random values; or only its biases,
thin matrices beside it, or a tangent's weights move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureState:
    """What the strategy picture shows.

    Attributes:
        depth: L, the number of blocks.
        layers: The chosen layers, ascending.
        mix: How they become one, for instance "concat".
        tokens: How tokens become one vector, for instance "mean".
        dimension: Numbers per text that the head sees; 0 where not known yet.
        encoder_title: Name of the encoder.
        encoder_parameters: Its weights.
        removed: Name of the head it was pretrained with, "" for none.
        blocks: (L+1,) what the weights of each layer do; empty where all stand still.
        encoder_words: That in a word or two: "frozen", "all trained", …
        moved_parameters: Weights of the encoder, or beside it, that move.
        frozen_parameters: Weights of the encoder that stand still.
        counted: Whether counted words stand in the encoder's place.
        head_text: For instance "linear 384→14 + softmax".
        head_parameters: The head's weights; 0 where they are only known once it is trained.
        head_bytes: What the task costs on disk.
        head_state: Whether its weights are random, moving, or have moved.
        level: What is labelled.
        apart: Whether the two texts of a pair are read alone.
        classes: Names of the labels.
        progress: Share of the training done, 0 … 1.
    """

    depth: int = 6
    layers: tuple[int, ...] = (6,)
    mix: str = "single"
    tokens: str = "mean"
    dimension: int = 0
    encoder_title: str = "encoder"
    encoder_parameters: int = 0
    removed: str = ""
    blocks: tuple[BlockState, ...] = ()
    encoder_words: str = "frozen"
    moved_parameters: int = 0
    frozen_parameters: int = 0
    counted: bool = False
    head_text: str = ""
    head_parameters: int = 0
    head_bytes: int = 0
    head_state: HeadState = "new"
    level: Level = "sentence"
    apart: bool = False
    classes: tuple[str, ...] = ()
    progress: float = 0.0


def describe_picture(state: PictureState) -> str:
    """Return the picture in words, for those who do not see it."""
    layers = ", ".join(str(layer) for layer in state.layers)
    many = "layers" if len(state.layers) > 1 else "layer"
    removed = f" Its pretrained head {state.removed} is removed." if state.removed else ""
    head = {
        "new": "is new, not trained yet",
        "training": f"is being trained, {round(state.progress * 100)} percent done",
        "trained": "is trained",
    }[state.head_state]
    weights = f", {count_text(state.head_parameters)} weights," if state.head_parameters else ""
    said = f"The head, {state.head_text}{weights} {head}. "
    said += (
        f"It tells {len(state.classes)} classes apart." if state.classes else "It tells a number."
    )
    if state.counted:
        return f"The words of a {state.level} are counted; there is no encoder. {said}"
    moved = ""
    if state.moved_parameters:
        moved = f" {count_text(state.moved_parameters)} weights move besides the head's."
    return (
        f"A {state.level}{', its texts apart,' * state.apart} goes into the encoder "
        f"{state.encoder_title}, {state.encoder_words}, {count_text(state.encoder_parameters)} "
        f"weights.{moved}{removed} Features: {many} {layers} of {state.depth}, "
        f"{mix_words(state)}, tokens by {state.tokens}. {said}"
    )


def mix_words(state: PictureState) -> str:
    """Return for instance "concat 3–6", "layer 6"."""
    if len(state.layers) == 1:
        return f"layer {state.layers[0]}"
    low, high = state.layers[0], state.layers[-1]
    contiguous = high - low + 1 == len(state.layers)
    which = f"{low}–{high}" if contiguous else ", ".join(str(x) for x in state.layers)
    return f"{state.mix} {which}"
