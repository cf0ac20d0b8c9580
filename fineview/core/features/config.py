"""How many hidden states become one vector: the choices, without the arithmetic."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from fineview.core.data.task import Level
from fineview.core.errors import ConfigError

TokenPooling = Literal["cls", "mean", "max", "first", "last", "attention"]
PairMode = Literal["joint", "separate"]
LayerMix = Literal["single", "mean", "sum", "concat", "weighted"]

SENTENCE_POOLINGS: tuple[TokenPooling, ...] = ("cls", "mean", "max")
WORD_POOLINGS: tuple[TokenPooling, ...] = ("first", "last", "mean")
PAIR_MODES: tuple[PairMode, ...] = get_args(PairMode)
PAIR_PARTS = ("u", "v", "|u-v|", "u·v")
"""What stands beside each other where the texts of a pair are read apart."""
ATTENTION_CAP = 2_000
"""Most texts for attention pooling, which needs the state of every token."""
WORD_CAP = 20_000
"""Most words of a word-level task whose hidden states are kept; whole sentences are drawn."""
MIXES: tuple[LayerMix, ...] = get_args(LayerMix)


def token_poolings(level: Level) -> tuple[TokenPooling, ...]:
    """Return the three token poolings of a level, in the order of the store's third axis."""
    return WORD_POOLINGS if level == "word" else SENTENCE_POOLINGS


def token_choices(level: Level) -> tuple[TokenPooling, ...]:
    """Return every token pooling of a level: those of the store, and the one that is learned."""
    return WORD_POOLINGS if level == "word" else (*SENTENCE_POOLINGS, "attention")


def stored_tokens(tokens: TokenPooling) -> TokenPooling:
    """Return the token pooling whose states are kept: the mean stands in for a learned one."""
    return "mean" if tokens == "attention" else tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolingConfig:
    """One way to pool: tokens within each layer first, then the layers.

    Attributes:
        layers: Layers to use; 0 is the embedding output, 1 … L are the blocks, negative counts
            from the last block as in Python (-1 is block L).
        mix: How several layers become one. `single` takes exactly one layer.
        tokens: How the tokens of a text become one vector; `cls`, `mean` or `max` for sentences
            and pairs, `first`, `last` or `mean` of a word's sub-tokens. `attention` (sentences and
            pairs, one layer) is a weighted mean whose weights are learned with the head.
        pair: Pair level: `joint` reads [CLS] a [SEP] b [SEP]; `separate` reads the two texts alone,
            pools each to u and v, and puts [u, v, |u-v|, u·v] together.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    layers: tuple[int, ...] = (-1,)
    mix: LayerMix = "single"
    tokens: TokenPooling = "mean"
    pair: PairMode = "joint"

    def __post_init__(self) -> None:
        """Refuse what no encoder could do."""
        if not self.layers:
            raise ConfigError("Choose at least one layer to pool.", "layers")
        if self.mix not in MIXES:
            raise ConfigError(f"Layer mix {self.mix!r} is not one of {', '.join(MIXES)}.", "mix")
        if self.tokens not in get_args(TokenPooling):
            raise ConfigError(
                f"Token pooling {self.tokens!r} is not one of {', '.join(get_args(TokenPooling))}.",
                "tokens",
            )
        if self.mix == "single" and len(self.layers) != 1:
            raise ConfigError(
                f"The mix 'single' takes one layer, not {len(self.layers)}: choose another mix.",
                "mix",
            )
        if self.pair not in PAIR_MODES:
            raise ConfigError(f"Pair mode {self.pair!r} is not one of joint, separate.", "pair")
        if self.tokens == "attention" and self.mix != "single":
            raise ConfigError(
                f"Attention pooling reads the tokens of one layer, not the mix {self.mix!r}: "
                "choose one layer, or another token pooling.",
                "tokens",
            )
        if self.tokens == "attention" and self.pair == "separate":
            raise ConfigError(
                "Attention pooling reads a pair as one text, not as two 'separate' ones: choose "
                "'joint', or another token pooling.",
                "tokens",
            )

    def resolved(self, depth: int) -> "PoolingConfig":
        """Return the same choice with layers counted from 0, ascending, each once.

        Args:
            depth: L, the number of blocks of the encoder.

        Raises:
            ConfigError: A layer is not within 0 … L.
        """
        layers = sorted({layer + depth + 1 if layer < 0 else layer for layer in self.layers})
        if layers[0] < 0 or layers[-1] > depth:
            raise ConfigError(
                f"Layers {list(self.layers)} are not all within 0 … {depth} of this encoder.",
                "layers",
            )
        return replace(self, layers=tuple(layers))

    def width(self, dimension: int) -> int:
        """Return how many numbers the head sees per text, D' (for `weighted`: after the mix)."""
        parts = len(PAIR_PARTS) if self.pair == "separate" else 1
        return parts * dimension * (len(self.layers) if self.mix == "concat" else 1)


@dataclass(frozen=True, slots=True)
class Preset:
    """A named choice of layers and mix from the lecture.

    Attributes:
        key: Name in spec files.
        title: Name on screen.
        layers: Layers for an encoder with L blocks.
        mix: Layer mix.
    """

    key: str
    title: str
    layers: tuple[int, ...]
    mix: LayerMix


def presets(depth: int) -> tuple[Preset, ...]:
    """Return the lecture's list for an encoder with `depth` = L blocks.

    Source:
        Devlin et al. 2019, arXiv:1810.04805, table 7 (embeddings, second-to-last, last, weighted
        sum, concat last four) and the lecture's "last N−1 layers"; the learned weights are the
        scalar mix of Peters et al. 2018, arXiv:1802.05365, equation 1.
    """
    blocks = tuple(range(1, depth + 1))
    four = blocks[-4:]
    rest = blocks[1:] or blocks
    return (
        Preset("last", "Last layer", (depth,), "single"),
        Preset("second-to-last", "Layer N−1", (max(depth - 1, 0),), "single"),
        Preset("embeddings", "Embeddings only", (0,), "single"),
        Preset("average-all", "Average all", blocks, "mean"),
        Preset("average-rest", "Average last N−1", rest, "mean"),
        Preset("concat-last-four", "Concat last four", four, "concat"),
        Preset("average-last-four", "Average last four", four, "mean"),
        Preset("sum-last-four", "Sum last four", four, "sum"),
        Preset("weighted-all", "Learned weights, all", blocks, "weighted"),
    )


def describe(pooling: PoolingConfig, depth: int) -> str:
    """Return a short name, for instance "concat 3–6 · mean"."""
    choice = pooling.resolved(depth)
    tokens = choice.tokens + (" · texts apart" if choice.pair == "separate" else "")
    for preset in presets(depth):
        if preset.layers == choice.layers and preset.mix == choice.mix:
            return f"{preset.title} · {tokens}"
    if len(choice.layers) == 1:
        return f"Layer {choice.layers[0]} · {tokens}"
    return f"{choice.mix.capitalize()} {spell(choice.layers)} · {tokens}"


def spell(layers: tuple[int, ...]) -> str:
    """Return ascending layers with runs drawn together: (1, 2, 3, 6) gives "1–3, 6"."""
    groups: list[list[int]] = []
    for layer in layers:
        if groups and layer == groups[-1][-1] + 1:
            groups[-1].append(layer)
        else:
            groups.append([layer])
    return ", ".join(str(g[0]) if len(g) == 1 else f"{g[0]}–{g[-1]}" for g in groups)
