"""Aligns two classes of signals jointly, by a network that predicts a transform for each.

As DTAN and RF-DTAN do (Shapira Weber et al., NeurIPS 2019, ICML 2023): the loss is their
inverse-consistency averaging error. The mean of a class's aligned signals, warped back by
each signal's inverse, has to be that signal; no smoothness has to be weighed against it.
The signals are synthetic: two prototypes in smooth random times, with noise.
"""

import numpy as np
import torch

import picture
from pycpab.torch import Cpab


def prototypes(size):
    """Two classes that differ in shape, not in where their peaks are: [2, size]."""
    t = np.linspace(0, 1, size)
    bump = lambda center, width: np.exp(-(((t - center) / width) ** 2))
    return np.stack(
        [
            bump(0.3, 0.06) + 0.6 * bump(0.55, 0.1) - 0.5 * bump(0.75, 0.05),
            bump(0.3, 0.06) - 0.5 * bump(0.55, 0.1) + 0.7 * bump(0.75, 0.05),
        ]
    )


def draw_signals(count, size, seed):
    """Signals [2 count, 1, size] and their classes."""
    time = Cpab([16])
    classes = torch.arange(2 * count) % 2
    shapes = torch.from_numpy(prototypes(size)).float()[classes][:, None]
    theta = time.sample_smooth(
        2 * count, length_scale=0.5, speed=0.16, gradient=0, seed=seed
    )
    generator = torch.Generator().manual_seed(seed)
    noise = 0.05 * torch.randn(shapes.shape, generator=generator)
    return time.transform_data(shapes, theta) + noise, classes


class Aligner(torch.nn.Module):
    """signal -> three convolutions -> theta, of the identity at first."""

    def __init__(self, transform, size):
        super().__init__()
        self.transform = transform
        layers, channels = [], 1
        for width in (16, 32, 32):
            layers += [
                torch.nn.Conv1d(channels, width, 7, stride=2, padding=3),
                torch.nn.ReLU(),
            ]
            channels = width
        self.features = torch.nn.Sequential(*layers, torch.nn.Flatten())
        self.head = torch.nn.Linear(32 * -(-size // 8), transform.get_theta_dim())
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)

    def forward(self, signals):
        """The aligned signals and their theta."""
        theta = self.head(self.features(signals))
        return self.transform.transform_data(signals, theta), theta


def inverse_consistency(aligner, signals, classes):
    """Mean squared difference of each signal from its class's mean, warped back."""
    aligned, theta = aligner(signals)
    loss = 0.0
    for label in classes.unique():
        members = classes == label
        mean = aligned[members].mean(dim=0, keepdim=True)
        back = aligner.transform.transform_data(
            mean.expand(int(members.sum()), -1, -1), -theta[members]
        )
        loss = loss + ((back - signals[members]) ** 2).sum()
    return loss / signals.numel()


def spread(signals, classes):
    """The mean variance within a class."""
    return float(np.mean([signals[classes == c].var(dim=0).mean() for c in (0, 1)]))


def accuracy(means, signals, classes):
    """The share of signals whose nearest class mean is their own's."""
    distances = ((signals[:, None] - means[None]) ** 2).sum(dim=(2, 3))
    return float((distances.argmin(dim=1) == classes).float().mean())


def class_means(signals, classes):
    return torch.stack([signals[classes == c].mean(dim=0) for c in (0, 1)])


def main():
    flags = picture.arguments(__doc__, steps=400, count=150, size=128, seed=1)
    torch.manual_seed(flags.seed)
    signals, classes = draw_signals(flags.count, flags.size, seed=1)
    others, other_classes = draw_signals(flags.count, flags.size, seed=2)
    aligner = Aligner(Cpab([16], zero_boundary=True), flags.size)
    optimizer = torch.optim.Adam(aligner.parameters(), lr=2e-3)
    losses = []
    for _ in range(flags.steps):
        optimizer.zero_grad()
        loss = inverse_consistency(aligner, signals, classes)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    with torch.no_grad():
        aligned, _ = aligner(signals)
        others_aligned, _ = aligner(others)
    before = accuracy(class_means(signals, classes), others, other_classes)
    after = accuracy(class_means(aligned, classes), others_aligned, other_classes)
    print(f"loss: {losses[0]:.5f} -> {losses[-1]:.5f}")
    print(
        f"variance within a class: {spread(signals, classes):.5f} -> {spread(aligned, classes):.5f}"
    )
    print(
        "the same of signals not trained on: "
        f"{spread(others, other_classes):.5f} -> {spread(others_aligned, other_classes):.5f}"
    )
    print(f"nearest mean's accuracy on those: {before:.3f} -> {after:.3f}")
    if flags.picture:

        def lines(values, label):
            def draw(axis):
                mine = values[classes == label][:, 0]
                axis.plot(mine.T, color="tab:gray", linewidth=0.4)
                axis.plot(mine.mean(dim=0), color="tab:red", linewidth=2)
                axis.set_ylim(-1, 1.4)

            return draw

        panels = [
            (f"class {label + 1}, {name}", lines(values, label))
            for label in (0, 1)
            for name, values in (("as they are", signals), ("aligned", aligned))
        ]
        picture.save(flags.picture, panels, columns=2)


if __name__ == "__main__":
    main()
