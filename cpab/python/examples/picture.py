"""What the examples draw with: a test picture, and matplotlib where it is installed."""

import argparse
import os

import numpy as np


def user_path(path):
    """A path from where the user stands; Bazel runs programs in a folder of its own."""
    stands = os.environ.get(
        "CPAB_USER_DIRECTORY", os.environ.get("BUILD_WORKING_DIRECTORY", ".")
    )
    return os.path.join(stands, path)


def arguments(text, **defaults):
    """--picture, and one flag of its type for each default."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument(
        "--picture",
        type=user_path,
        help="write a picture there (PNG; needs matplotlib)",
    )
    for name, value in defaults.items():
        parser.add_argument(
            f"--{name}", type=type(value), default=value, help=f"default: {value}"
        )
    return parser.parse_args()


def test_picture(size=128):
    """A face of circles on a checkerboard, [1, 1, size, size] from 0 to 1."""
    y, x = np.mgrid[0:size, 0:size] / (size - 1)
    image = 0.75 + 0.15 * ((np.floor(8 * x) + np.floor(8 * y)) % 2)

    def disk(cx, cy, r, value):
        inside = np.clip((r - np.hypot(x - cx, y - cy)) * size + 0.5, 0, 1)
        return image * (1 - inside) + value * inside

    image = disk(0.5, 0.5, 0.36, 0.95)
    image = disk(0.37, 0.4, 0.06, 0.1)
    image = disk(0.63, 0.4, 0.06, 0.1)
    image = disk(0.5, 0.66, 0.13, 0.35)
    image = disk(0.5, 0.62, 0.13, 0.95)
    return image[None, None]


def save(path, panels, columns=None, size=3.0):
    """Draws panels, a list of (title, function of the axes), side by side."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = columns or len(panels)
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(size * columns, size * rows), squeeze=False
    )
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    for axis, (title, draw) in zip(axes.flat, panels):
        axis.set_title(title, fontsize=10)
        draw(axis)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    print(f"wrote {path}")


def show_image(image):
    """What draws a grey image [rows, columns]."""

    def draw(axis):
        axis.imshow(image, cmap="gray", vmin=0, vmax=1, extent=(0, 1, 1, 0))
        axis.set_xticks([])
        axis.set_yticks([])

    return draw


def show_grid(transform, theta, lines=17):
    """What draws the lines of a straight grid after the transform."""

    def draw(axis):
        along, across = np.meshgrid(np.linspace(0, 1, 200), np.linspace(0, 1, lines))
        for x, y in ((along, across), (across, along)):
            for points in np.stack([x, y], axis=1):
                moved = transform.transform_grid(points, theta)[0]
                axis.plot(moved[0], moved[1], color="tab:blue", linewidth=0.8)
        axis.set_aspect("equal")
        axis.invert_yaxis()
        axis.set_xticks([])
        axis.set_yticks([])

    return draw
