"""Random warps as augmentation: reproducible, and keeping areas where wanted."""

import numpy as np

import picture
from pycpab import Cpab


def augment(images, transform, seed, strength):
    """Warps each image [B, C, rows, columns] by its own transform; a seed, a result."""
    theta = transform.sample_smooth(
        len(images), length_scale=1, speed=strength, seed=seed
    )
    return transform.warp_images(images, theta.astype(images.dtype)), theta


def main():
    flags = picture.arguments(__doc__, seed=5, count=4, size=96)
    images = np.repeat(picture.test_picture(flags.size), flags.count, axis=0).astype(
        np.float32
    )
    panels = []
    for name, preserving, strength in (
        ("free", False, 0.12),
        ("areas kept", True, 0.3),
    ):
        transform = Cpab([3, 3], zero_boundary=True, volume_perservation=preserving)
        warped, theta = augment(images, transform, flags.seed, strength)
        again, _ = augment(images, transform, flags.seed, strength)
        grid = transform.uniform_meshgrid([32, 32])
        log_det = np.abs(transform.log_det(grid, theta)).max()
        print(f"{name}: areas change by up to a factor of {np.exp(log_det):.3f}")
        print(
            f"{name}: the same seed gives the same images: {np.array_equal(warped, again)}"
        )
        panels += [(name, picture.show_image(image[0])) for image in warped]
    if flags.picture:
        picture.save(flags.picture, panels, columns=flags.count, size=2.0)


if __name__ == "__main__":
    main()
