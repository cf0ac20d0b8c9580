"""What a run is measured against: majority, the classical analogue, and the optimum."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fineview.core.data.task import SPLITS, Split, Task
from fineview.core.features.classical import Terms, sides_of
from fineview.core.progress import SILENT, Report
from fineview.core.training.events import Reference
from fineview.core.training.heads import AttentionHead, LinearHead
from fineview.core.training.metrics import number_scores, scores, spearman
from fineview.core.training.objectives import CrossEntropy, Objective

_LBFGS_ROUNDS = 60
_LBFGS_ITERATIONS = 10


def majority(task: Task) -> Reference:
    """Always answer the commonest class of the training split; for numbers, their mean."""
    if task.label_kind == "number":
        mean = float(task.labels[task.splits["train"]].mean())
        return Reference(name="majority", note=f"always answering the mean, {mean:.3g}")
    commonest = int(task.balance("train").argmax())
    shares = {s: float((task.labels[task.splits[s]] == commonest).mean()) for s in SPLITS}
    return Reference(
        name="majority",
        accuracy=shares["validation"],
        test_accuracy=shares["test"],
        note=f"always guessing the commonest class, {task.classes[commonest]}",
    )


def tfidf(task: Task) -> Reference:
    """TF-IDF, truncated SVD (PCA without centring), logistic (numbers: ridge) regression.

    Single words, and texts that are hardly more, are described by the character n-grams inside
    them, everything else by its words and word pairs. The two sides of a pair are kept apart.

    Source:
        Deerwester et al. 1990, "Indexing by latent semantic analysis".
    """
    return _tfidf(_Keyed(task))


class _Keyed:
    """A task as a key of a cache: the same texts, labels and splits give the same baseline."""

    def __init__(self, task: Task) -> None:
        self.task = task
        parts = (task.labels.tobytes(), *(task.splits[s].tobytes() for s in SPLITS))
        self.key = (task.fingerprint(), *parts)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and self.key == other.key


@lru_cache(maxsize=8)
def _tfidf(keyed: _Keyed) -> Reference:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    task = keyed.task
    sides, train = sides_of(task), task.splits["train"]
    terms = Terms.fitted([[side[i] for i in train] for side in sides])
    matrices = {
        s: terms.transform([[side[i] for i in task.splits[s]] for side in sides]) for s in SPLITS
    }
    size = len(terms.components)
    numbers = task.label_kind == "number"
    last = Ridge(alpha=len(train) * 0.01) if numbers else LogisticRegression(max_iter=500)
    model = make_pipeline(StandardScaler(), last)
    model.fit(matrices["train"], task.labels[train])
    if numbers:
        return _of_numbers(task, model, matrices, size)
    known = model.classes_.astype(np.int64)
    measured = {}
    for split in ("validation", "test"):
        probabilities = np.zeros((len(task.splits[split]), len(task.classes)))
        probabilities[:, known] = model.predict_proba(matrices[split])
        measured[split] = scores(task.labels[task.splits[split]].astype(np.int64), probabilities)
    return Reference(
        name="tfidf",
        accuracy=measured["validation"].accuracy,
        test_accuracy=measured["test"].accuracy,
        loss=measured["validation"].loss,
        note=f"TF-IDF, truncated SVD to {size} dimensions, logistic regression; no encoder",
    )


def _of_numbers(task: Task, model: Any, matrices: Mapping[Split, Any], size: int) -> Reference:  # noqa: ANN401 - scikit-learn is untyped
    splits: tuple[Split, ...] = ("validation", "test")
    found = {
        split: number_scores(
            task.labels[task.splits[split]].astype(np.float64), model.predict(matrices[split])
        )
        for split in splits
    }
    return Reference(
        name="tfidf",
        accuracy=found["validation"].spearman,
        test_accuracy=found["test"].spearman,
        note=f"TF-IDF, truncated SVD to {size} dimensions, ridge regression; no encoder",
    )


def optimum(
    head: LinearHead,
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    weight_decay: float,
    objective: Objective | None = None,
    report: Report = SILENT,
) -> Reference:
    """Find the least penalised training loss that this head can reach on these features.

    Args:
        head: An untrained or trained head; it is not changed.
        train: Standardised features (N, D) and labels (N,).
        validation: The same of the validation split.
        weight_decay: λ of the penalty λ/2·‖W‖².
        objective: What is lowered; cross-entropy unless said otherwise.
        report: Asked between rounds.

    Returns:
        `optimum`; without a loss, and with the reason in its note, where there is none.

    Source:
        L-BFGS with strong Wolfe line search: Nocedal & Wright 2006, sections 3.1 and 7.2.
    """
    if head.layer_logits is not None:
        return Reference(
            name="optimum",
            note="No optimum is drawn: learned layer weights make the loss non-convex.",
        )
    if head.hidden is not None:
        return Reference(
            name="optimum",
            note="No optimum is drawn: hidden layers make the loss non-convex.",
        )
    if isinstance(head, AttentionHead):
        return Reference(
            name="optimum",
            note="No optimum is drawn: learned attention makes the loss non-convex.",
        )
    objective = objective or CrossEntropy(head.outputs)
    classes = isinstance(objective, CrossEntropy)
    features, labels = train
    targets = objective.targets(labels)
    best = LinearHead(head.mean, head.scale, head.outputs).to(features.device)
    solver = torch.optim.LBFGS(
        best.parameters(),
        max_iter=_LBFGS_ITERATIONS,
        history_size=20,
        tolerance_grad=1e-6,
        tolerance_change=1e-9,
        line_search_fn="strong_wolfe",
    )

    def penalised() -> Tensor:
        return objective.loss(best(features), targets) + weight_decay * best.penalty()

    def closure() -> float:
        report.check()
        solver.zero_grad()
        value = penalised()
        value.backward()  # type: ignore[no-untyped-call]
        return value.item()

    before = float("inf")
    for _ in range(_LBFGS_ROUNDS):
        solver.step(closure)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            now = float(penalised())
        # Relative to the loss itself: a hundredth of a per cent is far below the line's width.
        if before - now <= 1e-5 * abs(now):
            break
        before = now
    with torch.no_grad():
        if classes and weight_decay == 0 and bool((best(features).argmax(1) == labels).all()):
            return Reference(
                name="optimum",
                note="No optimum is drawn: without weight decay a head that separates the "
                "training texts can lower its loss towards 0 for ever.",
            )
        outputs = best(validation[0])
        if classes:
            loss = float(functional.cross_entropy(outputs, validation[1]))
            accuracy = float((outputs.argmax(1) == validation[1]).float().mean())
        else:
            loss = float(objective.loss(outputs, objective.targets(validation[1])))
            accuracy = spearman(validation[1].double().numpy(), outputs[:, 0].double().numpy())
    return Reference(
        name="optimum",
        accuracy=accuracy,
        loss=loss,
        penalised_loss=now,
        note="least penalised training loss of this head on these features, by L-BFGS",
    )
