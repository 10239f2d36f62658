"""An activation function that is learnt: a CPAB transform of the values (DiTAC).

As Chelly et al., ECCV 2024, which rounds values to a table of 2048 and needs a GPU; here
every value goes through the exact flow, whose derivative is exact.
"""

import numpy as np
import torch

import picture
from pycpab.torch import Cpab


class CpabActivation(torch.nn.Module):
    """x -> gelu(T(x)), T a transform of [low, high] and the identity elsewhere.

    penalty() is the energy of theta under the smoothness prior.
    """

    def __init__(self, cells=10, low=-3.0, high=3.0):
        super().__init__()
        self.transform = Cpab([cells], zero_boundary=True)
        self.low, self.high = low, high
        self.theta = torch.nn.Parameter(self.transform.identity(1))
        self.register_buffer("precision", self.transform.prior_precision().float())

    def warp(self, x):
        unit = (x - self.low) / (self.high - self.low)
        inside = (unit > 0) & (unit < 1)
        # Outside T is the identity: its slope is 1, and 0 is a point of the domain.
        points = torch.where(inside, unit, torch.zeros_like(unit)).reshape(1, -1)
        moved = self.transform.transform_grid(points, self.theta).reshape(x.shape)
        return torch.where(inside, self.low + (self.high - self.low) * moved, x)

    def forward(self, x):
        return torch.nn.functional.gelu(self.warp(x))

    def penalty(self):
        return (self.theta @ self.precision @ self.theta.T).squeeze()


def target(x):
    return torch.sin(3 * x) + 0.5 * torch.sin(11 * x)


def train(activation, steps, seed, weight=1e-6):
    """The loss of a small network on `target`, and the network."""
    torch.manual_seed(seed)
    network = torch.nn.Sequential(
        torch.nn.Linear(1, 24),
        activation(),
        torch.nn.Linear(24, 24),
        activation(),
        torch.nn.Linear(24, 1),
    )
    x = torch.linspace(-1.5, 1.5, 256)[:, None]
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((network(x) - target(x)) ** 2).mean()
        penalty = sum(m.penalty() for m in network if isinstance(m, CpabActivation))
        (loss + weight * penalty).backward()
        optimizer.step()
    return loss.item(), network


def derivative_error():
    """The largest difference of the derivative from a central difference, in float64."""
    activation = CpabActivation().double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        activation.theta.copy_(
            0.5 * torch.randn(activation.theta.shape, generator=generator)
        )
    x = torch.linspace(-3.5, 3.5, 997, dtype=torch.float64, requires_grad=True)
    activation.warp(x).sum().backward()
    h = 1e-6
    with torch.no_grad():
        slope = (activation.warp(x + h) - activation.warp(x - h)) / (2 * h)
    # The derivative has kinks, near which the difference is off by their jump times h.
    return float((x.grad - slope).abs().max())


def main():
    flags = picture.arguments(__doc__, steps=600, seed=1)
    print(f"derivative against differences: {derivative_error():.1e}")
    plain, _ = train(torch.nn.GELU, flags.steps, flags.seed)
    learnt, network = train(CpabActivation, flags.steps, flags.seed)
    print(
        f"mean squared error: {plain:.5f} with GELU, {learnt:.5f} with learnt activations"
    )
    if flags.picture:
        x = torch.linspace(-4, 4, 500)
        panels = []
        for i, layer in enumerate(m for m in network if isinstance(m, CpabActivation)):

            def draw(axis, layer=layer):
                axis.plot(
                    x, torch.nn.functional.gelu(x), color="tab:gray", label="GELU"
                )
                axis.plot(x, layer(x).detach(), color="tab:red", label="learnt")
                axis.legend()

            panels.append((f"layer {i + 1}", draw))
        inputs = torch.linspace(-1.5, 1.5, 256)[:, None]

        def fit(axis):
            axis.plot(inputs, target(inputs), color="tab:gray", label="target")
            axis.plot(
                inputs, network(inputs).detach(), color="tab:red", label="network"
            )
            axis.legend()

        picture.save(flags.picture, panels + [("the fit", fit)])


if __name__ == "__main__":
    main()
