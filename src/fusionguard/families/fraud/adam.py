"""Adam without PyTorch's compiler."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch.optim.adam import adam

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class Adam:
    """The optimiser of Kingma and Ba (https://arxiv.org/abs/1412.6980), with the very bits of ``torch.optim.Adam``.

    PyTorch's class imports the compiler ``torch._dynamo`` at its first step: a thousand modules, a second or two, and nothing of
    it is used. The function that does that class's arithmetic does not.

    Parameters
    ----------
    parameters
        The tensors to be trained; their gradients are read at each step.
    learning_rate
        The size of a step, before Adam scales it.
    """

    def __init__(self, parameters: Iterable[torch.Tensor], learning_rate: float) -> None:
        self._parameters = list(parameters)
        self._learning_rate = learning_rate
        self._moments = [
            {"step": torch.tensor(0.0), "exp_avg": torch.zeros_like(each), "exp_avg_sq": torch.zeros_like(each)}
            for each in self._parameters
        ]

    def step(self) -> None:
        """Move every parameter against its gradient."""
        gradients = [each.grad for each in self._parameters]
        steps, means, squares = ([moments[name] for moments in self._moments] for name in _MOMENTS)
        with torch.no_grad():
            adam(
                self._parameters,
                [each for each in gradients if each is not None],
                means,
                squares,
                [],
                steps,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=self._learning_rate,
                weight_decay=0.0,
                eps=1e-8,
                maximize=False,
            )

    def state(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield what the next step depends on, by name."""
        for number, moments in enumerate(self._moments):
            for name, value in moments.items():
                yield f"{number}/{name}", value

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Put back what :meth:`state` gave."""
        self._moments = [{name: state[f"{number}/{name}"] for name in _MOMENTS} for number in range(len(self._parameters))]
