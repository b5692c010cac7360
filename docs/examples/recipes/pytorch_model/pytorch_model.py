import json
from pathlib import Path

import pyarrow.parquet
import torch
from safetensors.torch import load_file, save_file

FEATURES = ["visits", "minutes"]


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(len(FEATURES)))
        self.register_buffer("spread", torch.ones(len(FEATURES)))
        self.layers = torch.nn.Sequential(torch.nn.Linear(len(FEATURES), 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))

    def forward(self, inputs):
        return self.layers((inputs - self.mean) / self.spread).squeeze(1)


def train(features, folder, epochs=400):
    """Learn from all rows but each fifth, which measure; keep the weights and the metrics."""
    table = pyarrow.parquet.read_table(features)
    inputs = torch.tensor([table[name].to_pylist() for name in FEATURES], dtype=torch.float32).T
    wanted = torch.tensor(table["spent"].to_pylist(), dtype=torch.float32)
    measured = torch.arange(len(wanted)) % 5 == 4
    torch.manual_seed(0)
    network = Network()
    network.mean, network.spread = inputs.mean(0), inputs.std(0)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(epochs):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(network(inputs[~measured]), wanted[~measured]).backward()
        optimizer.step()
    with torch.no_grad():
        error = (network(inputs[measured]) - wanted[measured]).abs().mean().item()
    metrics = {"rows": len(wanted), "mean_absolute_error": error}
    save_file(network.state_dict(), Path(folder, "model.safetensors"))
    Path(folder, "metrics.json").write_text(json.dumps(metrics))
    return metrics


def predict(rows, folder):
    network = Network()
    network.load_state_dict(load_file(Path(folder, "model.safetensors")))
    with torch.no_grad():
        found = network(torch.tensor([[row[name] for name in FEATURES] for row in rows], dtype=torch.float32))
    return [{**row, "spends": round(value, 2)} for row, value in zip(rows, found.tolist(), strict=True)]
