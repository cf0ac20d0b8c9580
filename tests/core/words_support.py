"""Small tables of word vectors, and gensim's own view of them."""

import numpy as np

from fineview.core.analogies.vectors import VectorsInfo, WordVectors

ROYAL = ("the", "man", "woman", "king", "queen", "boy", "girl", "prince", "princess", "apple")


def table_of(words, matrix, name="own"):
    """Wrap an array (V, D) as a table."""
    matrix = np.asarray(matrix, dtype=np.float32)
    lengths = np.linalg.norm(matrix, axis=1).astype(np.float32)
    info = VectorsInfo(name, "Tried", len(words), matrix.shape[1], "", "", "0" * 64)
    return WordVectors(info, list(words), matrix / lengths[:, None], lengths)


def random_table(count=500, width=12, seed=0):
    """Draw a table whose words are w0, w1, …; lengths differ."""
    dice = np.random.default_rng(seed)
    matrix = dice.normal(size=(count, width)) * dice.uniform(0.5, 3, (count, 1))
    return table_of([f"w{i}" for i in range(count)], matrix)


def royal_table(width=8, noise=0.05):
    """Make words whose sex and rank are directions."""
    dice = np.random.default_rng(1)
    female, royal, young, person = np.eye(width)[:4] * 2
    meanings = {
        "the": 0 * person,
        "man": person,
        "woman": person + female,
        "king": person + royal,
        "queen": person + royal + female,
        "boy": person + young,
        "girl": person + young + female,
        "prince": person + young + royal,
        "princess": person + young + royal + female,
        "apple": 0 * person,
    }
    rows = [meanings[word] + dice.normal(scale=noise, size=width) for word in ROYAL]
    return table_of(ROYAL, rows)


def gensim_of(vectors):
    """Return gensim's table of the same vectors."""
    from gensim.models import KeyedVectors

    found = KeyedVectors(vectors.width)
    found.add_vectors(list(vectors.words), vectors.units * vectors.lengths[:, None])
    return found
