"""Warps an image by a smooth random transform, and back."""

import numpy as np

import picture
from pycpab import Cpab


def main():
    flags = picture.arguments(__doc__, seed=3, cells=4, size=128)
    transform = Cpab([flags.cells, flags.cells], zero_boundary=True)
    theta = transform.sample_smooth(1, length_scale=1, speed=0.15, seed=flags.seed)
    image = picture.test_picture(flags.size)

    warped = transform.warp_images(image, theta)
    back = transform.warp_images(warped, -theta)

    grid = transform.uniform_meshgrid([64, 64])
    moved = transform.transform_grid(grid, theta)
    there_and_back = np.abs(transform.inverse(moved, theta) - grid).max()
    log_det = transform.log_det(grid, theta)
    print(f"largest displacement: {np.abs(moved - grid).max():.3f} of the side")
    print(f"there and back: {there_and_back:.1e}")
    print(f"areas change by {np.exp(log_det.min()):.2f} to {np.exp(log_det.max()):.2f}")
    if flags.picture:
        picture.save(
            flags.picture,
            [
                ("image", picture.show_image(image[0, 0])),
                ("warped", picture.show_image(warped[0, 0])),
                ("warped back", picture.show_image(back[0, 0])),
                ("the transform", picture.show_grid(transform, theta)),
            ],
        )


if __name__ == "__main__":
    main()
