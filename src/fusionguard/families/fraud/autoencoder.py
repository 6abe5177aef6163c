"""An autoencoder trained on legitimate transactions: what it cannot rebuild is unusual."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import sklearn
import torch
from sklearn.metrics import average_precision_score
from torch import nn

from fusionguard.checkpoint import Checkpoints, identify, open_checkpoints, pack, unpack
from fusionguard.data.table import Table
from fusionguard.evaluation.splits import SplitPlan
from fusionguard.families.fraud.adam import Adam
from fusionguard.families.fraud.autoencoder_inputs import Inputs, Scaling
from fusionguard.families.fraud.autoencoder_onnx import Layer, autoencoder_graph
from fusionguard.families.fraud.config import AutoencoderConfig
from fusionguard.families.fraud.rows import ModelRows, read_slice
from fusionguard.families.fraud.sizes import SAMPLED_ROWS, sampled
from fusionguard.families.fraud.traits import FRAUD_TRAITS
from fusionguard.features.definition import FeatureDefinition
from fusionguard.files import sha256_file

_MODULES = ("autoencoder.py", "autoencoder_inputs.py", "adam.py", "sizes.py")

_log = logging.getLogger(__name__)


def train_autoencoder(
    features: Table,
    plan: SplitPlan,
    config: AutoencoderConfig,
    *,
    negative_weight: float,
    seed: int,
    definition: FeatureDefinition | None = None,
) -> onnx.ModelProto | None:
    """Train one network a latent size on the legitimate rows of the train slice; return the best as an ONNX graph.

    It rebuilds measured numbers, so there is none for a data set that has fewer than two of them.

    Early stopping reads the reconstruction error of the validation slice's legitimate rows; the latent size with the
    best average precision of that error on the validation slice wins. The graph maps ``features`` (n, f) float32, raw,
    to ``log_error`` (n, 1): the natural logarithm of the mean squared reconstruction error.

    A training that was killed goes on from its checkpoint, see :mod:`fusionguard.checkpoint`: at most one epoch is lost
    where a warning came, and the bytes are those of a training that was left alone.

    Parameters
    ----------
    features, plan
        The feature table and its split; only train and validation are read.
    negative_weight
        How many real legitimate rows one stands for.
    seed
        The same seed, data and device give the same bytes.
    definition
        What the columns are; those of the data set that ships where nothing is said.
    """
    definition = definition or FRAUD_TRAITS.features
    if not Inputs.of(definition).enough:
        _log.info("autoencoder: none, for the data has fewer than two measured numbers to rebuild")
        return None
    train = read_slice(features, plan.train, 1.0, definition)
    validation = read_slice(features, plan.validation, negative_weight, definition)
    return fit_autoencoder(train, validation, config, definition, seed=seed)


def fit_autoencoder(
    train: ModelRows, validation: ModelRows, config: AutoencoderConfig, definition: FeatureDefinition, *, seed: int
) -> onnx.ModelProto | None:
    """Train as :func:`train_autoencoder` does, on rows at hand; None where the data has fewer than two measured numbers."""
    inputs = Inputs.of(definition)
    if not inputs.enough:
        return None
    config = config.model_copy(update={"latent_sizes": inputs.latent_sizes(config.latent_sizes)})
    with _one_thread():
        return _train(train, validation, inputs, config, seed)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Batches this small gain nothing from threads, wait for each other on shared cores, and may differ in the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(train: ModelRows, validation: ModelRows, inputs: Inputs, config: AutoencoderConfig, seed: int) -> onnx.ModelProto:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    _log.info(
        "autoencoder: training on %s", torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU (no CUDA device)"
    )
    legitimate = inputs.read(train.x)[train.label == 0]
    chosen = sampled(len(legitimate), seed)
    bounded = {} if isinstance(chosen, slice) else {"rows": f"{SAMPLED_ROWS:,} of {len(legitimate):,} legitimate ones"}
    if bounded:
        _log.info("autoencoder: fitted on %s", bounded["rows"])
    legitimate = legitimate[chosen]
    scaling = Scaling.fit(legitimate)
    rows = torch.from_numpy(scaling.apply(legitimate)).to(device)
    check = torch.from_numpy(scaling.apply(inputs.read(validation.x))).to(device)
    is_legitimate = torch.from_numpy(validation.label == 0).to(device)

    checkpoints = open_checkpoints("autoencoder", lambda: _identity(train, validation, config, seed, device))
    progress = _resume(checkpoints, rows.shape[1], config, device)
    for place, latent in list(enumerate(config.latent_sizes))[progress.place :]:
        network, epochs = _fit(rows, check[is_legitimate], latent, config, seed, device, progress, checkpoints)
        error = _errors(network, check)
        precision = float(average_precision_score(validation.label, error, sample_weight=validation.weight))
        _log.info("autoencoder: latent size %d, %d epochs, validation average precision %.4f", latent, epochs, precision)
        best = progress.best
        if best is None or precision > best.average_precision:
            best = _Candidate(network, latent, epochs, precision)
        progress = _Progress(place + 1, best)
        checkpoints.save(progress.packed())
    best = progress.best
    assert best is not None, "AutoencoderConfig.latent_sizes is never empty"
    facts = {
        "latent_size": str(best.latent_size),
        "epochs": str(best.epochs),
        "validation_average_precision": repr(best.average_precision),
        **bounded,
    }
    return autoencoder_graph(_layers(best.network), scaling, inputs, n_features=train.x.shape[1], facts=facts)


@dataclass(frozen=True)
class _Candidate:
    network: nn.Sequential
    latent_size: int
    epochs: int
    average_precision: float


@dataclass(frozen=True)
class _Progress:
    """Where a training is: at latent size number ``place``, the best before it, and what :class:`_Fit` has reached on it."""

    place: int = 0
    best: _Candidate | None = None
    fit: dict[str, np.ndarray] = field(default_factory=dict)

    def packed(self) -> bytes:
        """Return it as the content of a checkpoint."""
        facts: dict[str, Any] = {"place": self.place}
        arrays = _named("fit", self.fit)
        if self.best is not None:
            facts["best"] = {"latent_size": self.best.latent_size, "epochs": self.best.epochs}
            arrays["average_precision"] = np.array(self.best.average_precision)
            arrays |= _named("best", _arrays(self.best.network.state_dict()))
        return pack(facts, arrays)


def _resume(checkpoints: Checkpoints, width: int, config: AutoencoderConfig, device: torch.device) -> _Progress:
    """Return where to go on from: the start, for a training that begins."""
    content = checkpoints.load()
    if content is None:
        return _Progress()
    facts, arrays = unpack(content)
    best: _Candidate | None = None
    if "best" in facts:
        latent, epochs = facts["best"]["latent_size"], facts["best"]["epochs"]
        with torch.random.fork_rng(devices=[]):
            network = _network(width, latent, config).to(device)
        network.load_state_dict(_tensors(_under("best", arrays)))
        best = _Candidate(network, latent, epochs, float(arrays["average_precision"]))
    fit = _under("fit", arrays)
    epoch = int(fit["epochs"][0]) if fit else 0
    _log.info("autoencoder: resumed after %d of %d latent sizes, epoch %d", facts["place"], len(config.latent_sizes), epoch)
    return _Progress(facts["place"], best, fit)


def _identity(train: ModelRows, validation: ModelRows, config: AutoencoderConfig, seed: int, device: torch.device) -> str:
    """Return the SHA-256 over all that decides the networks: rows, settings, seed, the code, libraries and the device."""
    cuda = device.type == "cuda"
    settings = {
        "config": config.model_dump(mode="json"),
        "seed": seed,
        "modules": [sha256_file(Path(__file__).with_name(name)) for name in _MODULES],
        "versions": [torch.__version__, np.__version__, sklearn.__version__],
        "device": torch.cuda.get_device_name(device) if cuda else torch.backends.cpu.get_cpu_capability(),
    }
    return identify(settings, (array for rows in (train, validation) for array in (rows.x, rows.label, rows.weight)))


def _fit(
    rows: torch.Tensor,
    check: torch.Tensor,
    latent: int,
    config: AutoencoderConfig,
    seed: int,
    device: torch.device,
    progress: _Progress,
    checkpoints: Checkpoints,
) -> tuple[nn.Sequential, int]:
    """Train one network; return it as it was after its best epoch, and how many epochs that took."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + latent)
        fit = _Fit(_network(rows.shape[1], latent, config).to(device), config.learning_rate, seed + latent)
        if progress.fit:
            fit.restore(progress.fit)
        for epoch in range(fit.epoch + 1, config.epochs + 1):
            order = torch.randperm(len(rows), generator=fit.shuffler).to(device)
            for batch in rows[order].split(config.batch_rows):
                fit.network.zero_grad(set_to_none=True)
                nn.functional.mse_loss(fit.network(batch), batch).backward()
                fit.optimiser.step()
            with torch.no_grad():
                loss = float(nn.functional.mse_loss(fit.network(check), check))
            fit.epoch = epoch
            if loss < fit.best_loss * (1 - config.minimum_gain):
                fit.best_loss, fit.best_epoch, fit.best_state = loss, epoch, _state(fit.network)
            elif epoch - fit.best_epoch >= config.patience_epochs:
                break
            checkpoints.pass_point(lambda: replace(progress, fit=fit.arrays()).packed())
        fit.network.load_state_dict(fit.best_state)
    return fit.network, fit.best_epoch


class _Fit:
    """One network in training, with all that its next epoch depends on."""

    def __init__(self, network: nn.Sequential, learning_rate: float, seed: int) -> None:
        self.network = network
        self.shuffler = torch.Generator().manual_seed(seed)
        self.optimiser = Adam(network.parameters(), learning_rate)
        self.epoch = 0
        self.best_loss, self.best_epoch, self.best_state = float("inf"), 0, _state(network)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return it as arrays on the CPU."""
        return {
            "epochs": np.array([self.epoch, self.best_epoch]),
            "best_loss": np.array(self.best_loss),
            "shuffler": self.shuffler.get_state().numpy(),
            "torch": torch.get_rng_state().numpy(),
            **_named("network", _arrays(self.network.state_dict())),
            **_named("best", _arrays(self.best_state)),
            **_named("adam", _arrays(dict(self.optimiser.state()))),
        }

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Put it back to where :meth:`arrays` was taken."""
        self.epoch, self.best_epoch = (int(epoch) for epoch in arrays["epochs"])
        self.best_loss = float(arrays["best_loss"])
        self.shuffler.set_state(torch.from_numpy(arrays["shuffler"]))
        torch.set_rng_state(torch.from_numpy(arrays["torch"]))
        self.network.load_state_dict(_tensors(_under("network", arrays)))
        self.best_state = _tensors(_under("best", arrays))
        self.optimiser.restore(_tensors(_under("adam", arrays)))


def _network(width: int, latent: int, config: AutoencoderConfig) -> nn.Sequential:
    hidden = config.hidden_size
    return nn.Sequential(
        nn.Linear(width, hidden),
        nn.Tanh(),
        nn.Linear(hidden, latent),
        nn.Linear(latent, hidden),
        nn.Tanh(),
        nn.Linear(hidden, width),
    )


def _state(network: nn.Sequential) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: value.detach().cpu().numpy() for name, value in tensors.items()}


def _tensors(arrays: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Return copies in PyTorch's own memory, which is aligned as that of a training never interrupted."""
    return {name: torch.from_numpy(value).clone() for name, value in arrays.items()}


def _named(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{prefix}/{name}": value for name, value in arrays.items()}


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what :func:`_named` put under a prefix."""
    return {name.removeprefix(f"{prefix}/"): value for name, value in arrays.items() if name.startswith(f"{prefix}/")}


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
