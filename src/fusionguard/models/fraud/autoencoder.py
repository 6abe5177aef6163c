"""An autoencoder trained on legitimate transactions: what it cannot rebuild is unusual."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from sklearn.metrics import average_precision_score
from torch import nn

from fusionguard.config import AutoencoderConfig
from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.features.fraud import MODEL_FEATURES
from fusionguard.models.fraud.autoencoder_onnx import Layer, Scaling, autoencoder_graph
from fusionguard.models.fraud.rows import read_slice

INPUTS: tuple[str, ...] = tuple(name for name in MODEL_FEATURES if name.startswith("V") or name == "Amount")
"""What is rebuilt: the components and the logarithm of the amount."""
CLIP = 10.0
"""Standardised inputs are cut to this many standard deviations, so that one wild value does not rule the loss."""

_log = logging.getLogger(__name__)


def train_autoencoder(
    features: Table, plan: SplitPlan, config: AutoencoderConfig, *, negative_weight: float, seed: int
) -> onnx.ModelProto:
    """Train one network a latent size on the legitimate rows of the train slice; return the best as an ONNX graph.

    Early stopping reads the reconstruction error of the validation slice's legitimate rows; the latent size with the
    best average precision of that error on the validation slice wins. The graph maps ``features`` (n, f) float32, raw,
    to ``log_error`` (n, 1): the natural logarithm of the mean squared reconstruction error.

    Parameters
    ----------
    features, plan
        The feature table and its split; only train and validation are read.
    negative_weight
        How many real legitimate rows one stands for.
    seed
        The same seed, data and device give the same bytes.
    """
    with _one_thread():
        return _train(features, plan, config, negative_weight, seed)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Batches this small gain nothing from threads, wait for each other on shared cores, and may differ in the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(features: Table, plan: SplitPlan, config: AutoencoderConfig, negative_weight: float, seed: int) -> onnx.ModelProto:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    _log.info(
        "autoencoder: training on %s", torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU (no CUDA device)"
    )
    columns = [MODEL_FEATURES.index(name) for name in INPUTS]
    train = read_slice(features, plan.train, 1.0)
    validation = read_slice(features, plan.validation, negative_weight)
    legitimate = _with_log_amount(train.x[:, columns][train.label == 0])
    mean = legitimate.mean(axis=0, dtype=np.float64)
    scaling = Scaling(mean, np.maximum(legitimate.std(axis=0, dtype=np.float64), 1e-6), CLIP)
    rows = torch.from_numpy(scaling.apply(legitimate)).to(device)
    check = torch.from_numpy(scaling.apply(_with_log_amount(validation.x[:, columns]))).to(device)
    is_legitimate = torch.from_numpy(validation.label == 0).to(device)

    best: _Candidate | None = None
    for latent in config.latent_sizes:
        network, epochs = _fit(rows, check[is_legitimate], latent, config, seed, device)
        error = _errors(network, check)
        precision = float(average_precision_score(validation.label, error, sample_weight=validation.weight))
        _log.info("autoencoder: latent size %d, %d epochs, validation average precision %.4f", latent, epochs, precision)
        if best is None or precision > best.average_precision:
            best = _Candidate(network, latent, epochs, precision)
    assert best is not None, "AutoencoderConfig.latent_sizes is never empty"
    facts = {
        "latent_size": str(best.latent_size),
        "epochs": str(best.epochs),
        "validation_average_precision": repr(best.average_precision),
    }
    return autoencoder_graph(
        _layers(best.network), scaling, columns, INPUTS.index("Amount"), n_features=len(MODEL_FEATURES), facts=facts
    )


@dataclass(frozen=True)
class _Candidate:
    network: nn.Sequential
    latent_size: int
    epochs: int
    average_precision: float


def _with_log_amount(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    amount = INPUTS.index("Amount")
    x[:, amount] = np.log1p(x[:, amount])
    return x


def _fit(
    rows: torch.Tensor, check: torch.Tensor, latent: int, config: AutoencoderConfig, seed: int, device: torch.device
) -> tuple[nn.Sequential, int]:
    """Train one network; return it as it was after its best epoch, and how many epochs that took."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + latent)
        width, hidden = rows.shape[1], config.hidden_size
        network = nn.Sequential(
            nn.Linear(width, hidden),
            nn.Tanh(),
            nn.Linear(hidden, latent),
            nn.Linear(latent, hidden),
            nn.Tanh(),
            nn.Linear(hidden, width),
        ).to(device)
        shuffler = torch.Generator().manual_seed(seed + latent)
        optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
        best_loss, best_epoch, best_state = float("inf"), 0, _state(network)
        for epoch in range(1, config.epochs + 1):
            order = torch.randperm(len(rows), generator=shuffler).to(device)
            for batch in rows[order].split(config.batch_rows):
                optimiser.zero_grad(set_to_none=True)
                nn.functional.mse_loss(network(batch), batch).backward()
                optimiser.step()
            with torch.no_grad():
                loss = float(nn.functional.mse_loss(network(check), check))
            if loss < best_loss * (1 - config.minimum_gain):
                best_loss, best_epoch, best_state = loss, epoch, _state(network)
            elif epoch - best_epoch >= config.patience_epochs:
                break
        network.load_state_dict(best_state)
    return network, best_epoch


def _state(network: nn.Sequential) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _errors(network: nn.Sequential, rows: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(((network(rows) - rows) ** 2).mean(dim=1).cpu())


def _layers(network: nn.Sequential) -> list[Layer]:
    """Return the linear layers with a flag for the tanh that follows."""
    modules = list(network)
    return [
        Layer(
            weight=module.weight.detach().cpu().numpy(),
            bias=module.bias.detach().cpu().numpy(),
            tanh=place + 1 < len(modules) and isinstance(modules[place + 1], nn.Tanh),
        )
        for place, module in enumerate(modules)
        if isinstance(module, nn.Linear)
    ]
