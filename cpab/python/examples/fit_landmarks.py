"""Moves landmarks of an image to given places: finds the transform, and warps by it."""

import numpy as np

import picture
from pycpab import Cpab

# Eyes, mouth and chin, (x, y), and where they go: a smile.
SOURCE = np.array(
    [[0.37, 0.4], [0.63, 0.4], [0.38, 0.7], [0.62, 0.7], [0.5, 0.79], [0.5, 0.86]]
).T
TARGET = np.array(
    [[0.35, 0.36], [0.65, 0.36], [0.33, 0.64], [0.67, 0.64], [0.5, 0.8], [0.5, 0.9]]
).T


def main():
    flags = picture.arguments(__doc__, cells=6, size=128)
    transform = Cpab([flags.cells, flags.cells], zero_boundary=True)

    report = transform.fit_keypoints(SOURCE, TARGET)
    moved = transform.transform_grid(SOURCE, report.theta)[0]
    # A pixel of the result looks up where it comes from: contents move by the inverse.
    image = picture.test_picture(flags.size)
    warped = transform.warp_images(image, -report.theta)

    print(report)
    print(f"landmarks are met to {np.abs(moved - TARGET).max():.1e} of the side")
    grid = transform.uniform_meshgrid([64, 64])
    print(
        f"least determinant: {np.exp(transform.log_det(grid, report.theta).min()):.3f}"
    )
    if flags.picture:

        def with_points(draw, points, color):
            def both(axis):
                draw(axis)
                axis.plot(points[0], points[1], "o", color=color, markersize=4)

            return both

        picture.save(
            flags.picture,
            [
                (
                    "landmarks",
                    with_points(picture.show_image(image[0, 0]), SOURCE, "tab:red"),
                ),
                (
                    "moved",
                    with_points(picture.show_image(warped[0, 0]), TARGET, "tab:green"),
                ),
                ("the transform", picture.show_grid(transform, report.theta)),
            ],
        )


if __name__ == "__main__":
    main()
