"""A registered model in the hands of MLflow's own clients, where there is what it asks for and no more: no FusionGuard."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusionguard.families.catalog import model_family
from fusionguard.home import Home
from fusionguard.models.bundle import Bundle
from fusionguard.registry.tracking import open_store
from install import explained, settings

UV = Path(sys.executable).with_name("uv")
NOT_THERE = {"fraud": ("fusionguard", "catboost", "lightgbm"), "churn": ("fusionguard", "xgboost", "onnxruntime")}
SPOILED = {"fraud": ("Amount", -0.5), "churn": ("Age", 17)}
pytestmark = [pytest.mark.full, pytest.mark.long]
only_fraud = pytest.mark.parametrize("elsewhere", ["fraud"], indirect=True)
only_churn = pytest.mark.parametrize("elsewhere", ["churn"], indirect=True)
"""A way of MLflow's own, which is the same with every model: one shows that it works."""


@dataclass(frozen=True)
class Elsewhere:
    """An environment made of a model's requirements.txt, in which MLflow's clients ask for the model by its alias."""

    family: str
    model: Path
    folder: Path
    tracking_uri: str

    @property
    def uri(self) -> str:
        """The model's name and alias."""
        return f"models:/fusionguard-{self.family}@champion"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a command: nothing of this process's but what finds programs and packages."""
        path = f"{self.folder / 'env' / 'bin'}:{os.environ['PATH']}:{UV.parent}"
        here = settings(self.folder / "env")
        index = {name: value for name, value in here.items() if name.startswith(("PIP_", "UV_", "SSL_CERT_"))}
        own = {"HOME": str(self.folder), "MLFLOW_TRACKING_URI": self.tracking_uri, "OMP_NUM_THREADS": "2"}
        return {"PATH": path} | index | own

    def run(self, *command: object) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment in a folder that is no checkout."""
        program, *words = map(str, command)
        words = [str(self.folder / "env" / "bin" / program), *words]
        return subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=240)

    def predict(self, content: str, kind: str, *, manager: str = "local") -> subprocess.CompletedProcess[str]:
        """Give a file to ``mlflow models predict``, which with ``uv`` makes an environment of its own."""
        given = self.folder / f"given.{kind}"
        given.write_text(content)
        return self.run("mlflow", "models", "predict", "-m", self.uri, "--env-manager", manager, "-i", given, "-t", kind)

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Start ``mlflow models serve`` and yield its address."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [self.folder / "env" / "bin" / "mlflow", "models", "serve", "-m", self.uri, "--env-manager", "local"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        with (self.folder / "server.txt").open("w") as output:
            server = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=output, stderr=output, start_new_session=True
            )
        try:
            _wait(f"http://127.0.0.1:{port}/ping", server, self.folder / "server.txt")
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)


@pytest.fixture(scope="module", params=["fraud", "churn"])
def elsewhere(request: pytest.FixtureRequest, registry: Home, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    """An empty environment, then what the model's requirements.txt says."""
    family, folder = request.param, tmp_path_factory.mktemp("elsewhere")
    place = open_store(registry).get_model_version_download_uri(f"fusionguard-{family}", "1").removeprefix("file://")
    elsewhere = Elsewhere(family, Path(place), folder, registry.mlflow_uri)
    environment = settings(folder / "env")
    subprocess.run([UV, "venv", "--quiet", "--seed", "--python", sys.executable, folder / "env"], env=environment, check=True)
    command = [UV, "pip", "install", "--quiet", "--requirement", elsewhere.model / "requirements.txt"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    if done.returncode != 0 and "No package index is reached" in explained(done.stderr):
        pytest.skip("no package index is reached from here")
    assert done.returncode == 0, done.stderr
    return elsewhere


@pytest.fixture
def bundle(elsewhere: Elsewhere, request: pytest.FixtureRequest) -> Bundle:
    """The model's bundle."""
    return request.getfixturevalue(f"{elsewhere.family}_bundle")  # type: ignore[no-any-return]


def test_it_loads_and_scores_what_read_csv_gives(
    elsewhere: Elsewhere, bundle: Bundle, rows: Callable[[str], pd.DataFrame]
) -> None:
    given = rows(elsewhere.family)
    given.to_csv(elsewhere.folder / "rows.csv", index=False)
    column, value = SPOILED[elsewhere.family]
    code = f"""
import importlib.util, json, sys
import mlflow.pyfunc, pandas
print("there:", [name for name in {NOT_THERE[elsewhere.family]} if importlib.util.find_spec(name)], file=sys.stderr)
model = mlflow.pyfunc.load_model({elsewhere.uri!r})
rows = pandas.read_csv("rows.csv")
print(json.dumps(model.predict(rows).to_dict("list")))
import fusionguard
print("read from:", fusionguard.__file__, file=sys.stderr)
model.predict(rows.assign({column}={value}))
"""
    done = elsewhere.run("python", "-c", code)
    assert json.loads(done.stdout) == model_family(elsewhere.family).load(bundle).answer(given).to_pydict()
    assert "\nthere: []\n" in f"\n{done.stderr}"
    assert f"\nread from: {elsewhere.model}" in done.stderr
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"mlflow.exceptions.MlflowException: Column '{column}' has 300 cells that are empty, not finite or")
    assert last.endswith("Correct or remove these rows; row 0 is the first row of data.")


@only_churn
def test_mlflow_models_predict_takes_the_models_own_example(elsewhere: Elsewhere, bundle: Bundle) -> None:
    example = pd.DataFrame([model_family(elsewhere.family).example])
    expected = {"predictions": model_family(elsewhere.family).load(bundle).answer(example).to_pylist()}
    for content, kind in (
        ((elsewhere.model / "serving_input_example.json").read_text(), "json"),
        (example.convert_dtypes().to_csv(index=False), "csv"),  # whole numbers without a point
    ):
        done = elsewhere.predict(content, kind)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == expected
    column, value = SPOILED[elsewhere.family]
    done = elsewhere.predict(example.assign(**{column: value}).to_csv(index=False), "csv")
    assert done.returncode != 0 and f"Column '{column}' has 1 cell that is empty, not finite or out of range" in done.stderr


@only_churn
def test_mlflow_makes_the_environment_itself(elsewhere: Elsewhere, bundle: Bundle) -> None:
    example = pd.DataFrame([model_family(elsewhere.family).example])
    done = elsewhere.predict((elsewhere.model / "serving_input_example.json").read_text(), "json", manager="uv")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["predictions"] == model_family(elsewhere.family).load(bundle).answer(example).to_pylist()


@only_fraud
def test_mlflow_models_serve_answers_and_refuses(
    elsewhere: Elsewhere, bundle: Bundle, rows: Callable[[str], pd.DataFrame]
) -> None:
    example, given = pd.DataFrame([model_family(elsewhere.family).example]), rows(elsewhere.family)
    model = model_family(elsewhere.family).load(bundle)
    column, value = SPOILED[elsewhere.family]
    spoiled = example.assign(**{column: value})
    with elsewhere.serve() as address:
        expected = {"predictions": model.answer(example).to_pylist()}
        assert _post(address, (elsewhere.model / "serving_input_example.json").read_text()) == (200, expected)
        assert _post(address, json.dumps({"dataframe_records": example.to_dict("records")})) == (200, expected)
        assert _post(address, example.to_csv(index=False), "text/csv") == (200, expected)
        assert _post(address, given.to_csv(index=False), "text/csv") == (200, {"predictions": model.answer(given).to_pylist()})
        for body, kind in (
            (json.dumps({"dataframe_split": spoiled.to_dict("split")}), "application/json"),
            (spoiled.to_csv(index=False), "text/csv"),
        ):
            status, answer = _post(address, body, kind)
            assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE") and "stack_trace" not in answer
            assert f"Column '{column}' has 1 cell that is empty, not finite or out of range (rows 0)" in answer["message"]
        status, answer = _post(address, example.drop(columns=column).to_csv(index=False), "text/csv")
        assert status == 400 and f"lacks the column '{column}'" in answer["message"]
    assert "Traceback" not in (elsewhere.folder / "server.txt").read_text()


@only_fraud
def test_the_generated_dockerfile_takes_the_model_and_installs_what_it_needs(elsewhere: Elsewhere) -> None:
    """The steps that are the model's own, run without an engine where MLflow is installed, as it is in the image by then."""
    _, lines = _dockerfile(elsewhere)
    assert [line for line in lines if line.startswith("COPY ")] == ["COPY model_dir /opt/ml/model"]
    (step,) = [line for line in lines if line.startswith("RUN python ")]
    assert "/opt/ml/model" in step
    _, *command = shlex.split(step.replace("/opt/ml/model", str(elsewhere.folder / "image" / "model_dir")))
    done = elsewhere.run(*command)
    assert done.returncode == 0, done.stderr
    done = elsewhere.run("python", "-m", "pip", "check")
    assert (done.returncode, done.stdout) == (0, "No broken requirements found.\n")


@pytest.mark.timeout(1200)
@only_churn
def test_the_generated_dockerfile_builds(elsewhere: Elsewhere) -> None:
    base, _ = _dockerfile(elsewhere)
    engine = _engine()
    held = subprocess.run([engine, "images", "--quiet", base], capture_output=True, text=True, timeout=60)
    if not held.stdout and subprocess.run([engine, "pull", base], capture_output=True, timeout=240).returncode != 0:
        pytest.skip(f"{base} is not reached from here")
    name = f"fusionguard-test-{elsewhere.family}"
    done = subprocess.run([engine, "build", "--tag", name, elsewhere.folder / "image"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    subprocess.run([engine, "rmi", name], check=True, capture_output=True, timeout=60)


def _engine() -> str:
    """Return what builds images here: an engine that answers, or buildah, which needs none."""
    for program in ("docker", "podman", "buildah"):
        if shutil.which(program) and subprocess.run([program, "info"], capture_output=True, timeout=60).returncode == 0:
            return program
    pytest.skip("nothing here builds images")


def _dockerfile(elsewhere: Elsewhere) -> tuple[str, list[str]]:
    """Let MLflow write a Dockerfile, and return its base and its lines."""
    folder = elsewhere.folder / "image"
    shutil.rmtree(folder, ignore_errors=True)
    command = ("mlflow", "models", "generate-dockerfile", "-m", elsewhere.uri, "-d", folder, "--env-manager", "local")
    done = elsewhere.run(*command)
    assert done.returncode == 0, done.stderr
    lines = (folder / "Dockerfile").read_text().splitlines()
    (base,) = [line.removeprefix("FROM ") for line in lines if line.startswith("FROM ")]
    return base, lines


def _wait(address: str, server: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            assert server.poll() is None and time.monotonic() < deadline, output.read_text()
            time.sleep(0.2)


def _post(address: str, body: str, kind: str = "application/json") -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body.encode(), {"Content-Type": kind})) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
