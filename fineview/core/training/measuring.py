"""From outputs of a head to the measures of an evaluation."""

import torch
from torch import Tensor

from fineview.core.training.events import Evaluation
from fineview.core.training.metrics import confusion, macro_f1, spearman
from fineview.core.training.objectives import CrossEntropy, Objective

Judged = tuple[Tensor, Tensor]
"""(N, outputs) of a head and (N,) labels."""


def evaluated(
    objective: Objective,
    train: Judged,
    validation: Judged,
    *,
    penalty: float,
    step: int,
    epoch: float,
    seconds: float = 0.0,
) -> Evaluation:
    """Measure outputs on training and validation items.

    Args:
        objective: What training lowers; losses are told without class weights, the penalised one
            with them.
        train: Outputs and labels.
        validation: Outputs and labels.
        penalty: What weight decay adds to the loss.
        step: Steps done.
        epoch: Epochs done.
        seconds: Time so far.
    """
    losses = [_loss(objective, *part) for part in (train, validation)]
    lowered = losses[0]
    if isinstance(objective, CrossEntropy):
        if objective.class_weights is not None:
            lowered = float(objective.loss(train[0], objective.targets(train[1])))
        labels = validation[1].cpu().numpy()
        answers = validation[0].argmax(1).cpu().numpy()
        counts = confusion(labels, answers, objective.classes)
        shares = {
            "train_accuracy": float((train[0].argmax(1) == train[1]).float().mean()),
            "accuracy": float(counts.trace() / counts.sum()),
            "macro_f1": macro_f1(counts),
        }
    else:
        nothing = float("nan")
        shares = {"train_accuracy": nothing, "accuracy": nothing, "macro_f1": nothing}
        shares |= {"train_spearman": _ranked(*train), "spearman": _ranked(*validation)}
    return Evaluation(
        step=step,
        epoch=epoch,
        train_loss=losses[0],
        penalised_loss=lowered + penalty,
        loss=losses[1],
        seconds=seconds,
        **shares,
    )


def _loss(objective: Objective, outputs: Tensor, labels: Tensor) -> float:
    if isinstance(objective, CrossEntropy):
        return float(torch.nn.functional.cross_entropy(outputs, labels))
    return float(objective.loss(outputs, objective.targets(labels)))


def _ranked(outputs: Tensor, labels: Tensor) -> float:
    return spearman(labels.double().cpu().numpy(), outputs[:, 0].double().cpu().numpy())
