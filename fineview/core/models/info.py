"""What is known of an encoder before its weights are loaded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderInfo:
    """An encoder without its surrogate head.

    Attributes:
        name: Name in the catalogue, or the local folder as it was given.
        title: Name on screen.
        model_type: Architecture, as transformers calls it: `bert`, `distilbert`, …
        layers: L, the number of blocks.
        width: D, the numbers per token and layer.
        heads: Attention heads per block.
        parameters: Weights of the encoder, without the removed surrogate head.
        bytes: Size of these weights in the file.
        layer_parameters: L+1 counts: what lies outside the blocks (embeddings and what all blocks
            share), then blocks 1 … L. Their sum is `parameters`.
        bias_parameters: Biases among these, those of normalisations too.
        linear_sizes: (name, Σ (inputs + outputs)) of the linear layers inside the blocks, by the
            last part of their names: what a pair of thin matrices beside them would have a rank.
        vocabulary: V, the number of token ids.
        max_length: Most tokens of one text, special tokens included.
        removed_weights: Tensors of the checkpoint that belong to a removed surrogate head (pooler,
            masked-word head, …), by name.
        removed_parameters: Their weights.
        licence: Terms, as declared.
        source: Where the files come from.
        fingerprint: sha256 over weights, tokenizer and configuration.
        notes: What was left out of its configuration because it changes nothing, a sentence each.
    """

    name: str
    title: str
    model_type: str
    layers: int
    width: int
    heads: int
    parameters: int
    bytes: int
    layer_parameters: tuple[int, ...]
    vocabulary: int
    max_length: int
    removed_weights: tuple[str, ...]
    removed_parameters: int
    licence: str
    source: str
    fingerprint: str
    notes: tuple[str, ...] = ()
    bias_parameters: int = 0
    linear_sizes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a text as the encoder sees it.

    Attributes:
        text: The token as the vocabulary spells it.
        id: Its row of the embedding table.
        segment: 0 for the first text, 1 for the second.
        special: True for [CLS], [SEP] and their like.
        start: First character in its text; 0 for special tokens.
        end: Behind the last character in its text; 0 for special tokens.
        continues: True where the token goes on a word that an earlier token began ("##ing").
    """

    text: str
    id: int
    segment: int
    special: bool
    start: int
    end: int
    continues: bool
