"""The optimiser of the autoencoder: the bits of PyTorch's own, without its compiler."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from fusionguard.families.fraud.adam import Adam


def _network() -> torch.nn.Sequential:
    torch.manual_seed(3)
    return torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))


def _backward(network: torch.nn.Sequential, step: int) -> None:
    network.zero_grad(set_to_none=True)
    rows = torch.randn(7, 5, generator=torch.Generator().manual_seed(step))
    network(rows).pow(2).sum().backward()


def _bits(network: torch.nn.Sequential) -> bytes:
    return b"".join(weight.detach().numpy().tobytes() for weight in network.parameters())


def test_it_has_the_bits_of_pytorchs_own_optimiser(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = SimpleNamespace(graph_break=lambda: None, disable=lambda function, *_, **__: function)
    monkeypatch.setitem(sys.modules, "torch._dynamo", compiler)  # it asks for no more, and takes ten seconds to import
    monkeypatch.setattr(torch, "_dynamo", compiler, raising=False)
    ours, theirs = _network(), _network()
    before = _bits(ours)
    adam, reference = Adam(ours.parameters(), 0.02), torch.optim.Adam(theirs.parameters(), lr=0.02)
    for step in range(9):
        _backward(ours, step)
        adam.step()
        _backward(theirs, step)
        reference.step()
    assert _bits(ours) == _bits(theirs) != before


def test_it_goes_on_from_its_state() -> None:
    through, broken = _network(), _network()
    adam = Adam(through.parameters(), 0.02)
    for step in range(6):
        _backward(through, step)
        adam.step()
    first = Adam(broken.parameters(), 0.02)
    for step in range(4):
        _backward(broken, step)
        first.step()
    second = Adam(broken.parameters(), 0.02)
    second.restore({name: value.clone() for name, value in first.state()})
    for step in range(4, 6):
        _backward(broken, step)
        second.step()
    assert _bits(through) == _bits(broken)


@pytest.mark.full
def test_it_leaves_the_compiler_alone() -> None:
    script = (
        "import sys, torch\n"
        "from fusionguard.families.fraud.adam import Adam\n"
        "weight = torch.nn.Parameter(torch.ones(2))\n"
        "weight.sum().backward()\n"
        "Adam([weight], 0.1).step()\n"
        "assert float(weight.detach()[0]) < 0.95\n"
        "print('torch._dynamo' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
