"""Warps of signals, images and volumes, against a slow twin."""

import itertools
import unittest

import numpy as np
import torch

from pycpab import Cpab


def linear_at(data, point):
    """data [*size] at one point in [0, 1]^ndim: the slow, obvious twin."""
    places = [min(max(x, 0), 1) * (n - 1) for x, n in zip(point, data.shape)]
    value = 0.0
    for corner in itertools.product((0, 1), repeat=data.ndim):
        weight, index = 1.0, []
        for place, side, n in zip(places, corner, data.shape):
            low = min(int(np.floor(place)), max(n - 2, 0))
            weight *= place - low if side else 1 - (place - low)
            index.append(min(low + side, n - 1))
        value += weight * data[tuple(index)]
    return value


class InterpolateTest(unittest.TestCase):
    def test_is_linear_between_samples_in_each_layout(self):
        rng = np.random.default_rng(1)
        for size, outsize in (([6], [4]), ([5, 4], [3, 2]), ([4, 3, 5], [2, 3, 2])):
            ndim = len(size)
            transform = Cpab([2] * ndim)
            data = rng.standard_normal((2, 3, *size))
            grid = rng.uniform(-0.2, 1.2, (2, ndim, int(np.prod(outsize))))
            values = transform.interpolate(data, grid, outsize, channels_last=False)
            self.assertEqual(values.shape, (2, 3, *outsize))
            for b, c in itertools.product(range(2), range(3)):
                for n, index in enumerate(np.ndindex(*reversed(outsize))):
                    expected = linear_at(data[b, c], grid[b, :, n])
                    self.assertAlmostEqual(
                        values[(b, c) + index[::-1]], expected, places=12
                    )
            last = transform.interpolate(np.moveaxis(data, 1, -1), grid, outsize)
            np.testing.assert_array_equal(np.moveaxis(last, -1, 1), values)

    def test_outside_is_the_nearest_sample_or_zero(self):
        transform = Cpab([2])
        data = np.array([[[2.0, 3, 5]]])
        grid = np.array([[-1e9, -0.25, 1.25, 1e9]])
        at = lambda outside: transform.interpolate(
            data, grid, 4, outside=outside, channels_last=False
        ).ravel()
        np.testing.assert_array_equal(at("nearest"), [2, 2, 5, 5])
        np.testing.assert_array_equal(at("zero"), [0, 1, 2.5, 0])

    def test_is_nan_where_the_grid_is(self):
        values = Cpab([2]).interpolate(np.ones((1, 3, 1)), np.array([[0.5, np.nan]]), 2)
        np.testing.assert_array_equal(values.ravel(), [1, np.nan])


class TransformDataTest(unittest.TestCase):
    def test_looks_up_where_each_sample_comes_from(self):
        transform = Cpab([3, 2])
        data = np.random.default_rng(1).standard_normal((2, 6, 5, 3))
        theta = transform.sample_transformation(2, seed=1)
        warped = transform.transform_data(data, theta, [4, 7])
        self.assertEqual(warped.shape, (2, 4, 7, 3))
        grid = transform.transform_grid(transform.uniform_meshgrid([4, 7]), theta)
        for b, i, j in itertools.product(range(2), range(4), range(7)):
            expected = linear_at(data[b, :, :, 1], grid[b, :, i + 4 * j])
            self.assertAlmostEqual(warped[b, i, j, 1], expected, places=12)

    def test_one_image_by_many_thetas(self):
        transform = Cpab([2, 2])
        theta = transform.sample_transformation(3, seed=1)
        image = (
            np.random.default_rng(1).standard_normal((1, 8, 8, 1)).astype(np.float32)
        )
        warped = transform.transform_data(image, theta.astype(np.float32))
        self.assertEqual((warped.shape, warped.dtype), ((3, 8, 8, 1), np.float32))

    def test_images_have_x_to_the_right(self):
        # A flow to the right by 1/4, far from the border.
        transform = Cpab([1, 1], zero_boundary=False)
        right = np.zeros_like(transform.vertices())
        right[0] = 0.25
        theta = transform.theta_from_vertices(right)
        image = np.zeros((1, 1, 5, 9))
        image[0, 0, 3, 6] = 1
        warped = transform.warp_images(image, theta)
        expected = np.zeros_like(image)
        expected[0, 0, 3, 4] = 1
        np.testing.assert_allclose(warped, expected, atol=1e-12)

    def test_signals_of_different_lengths_are_each_warped_alone(self):
        transform = Cpab([5])
        theta = transform.sample_transformation(3, seed=2)
        signals = np.random.default_rng(3).standard_normal((3, 2, 20))
        lengths = [20, 12, 1]
        padded = signals.copy()
        for b, n in enumerate(lengths):
            padded[b, :, n:] = np.nan
        warped = transform.warp_signals(padded, theta, lengths)
        for b, n in enumerate(lengths):
            alone = transform.warp_signals(signals[b : b + 1, :, :n], theta[b])
            np.testing.assert_allclose(warped[b, :, :n], alone[0], atol=1e-13)
            np.testing.assert_array_equal(warped[b, :, n:], 0)

    def test_one_signal_of_a_length_by_many_thetas(self):
        transform = Cpab([5])
        theta = transform.sample_transformation(2, seed=2)
        signal = np.random.default_rng(3).standard_normal((1, 2, 9))
        for kind in (np.asarray, torch.from_numpy):
            warped = transform.warp_signals(kind(signal), kind(theta), [6])
            for b in range(2):
                alone = transform.warp_signals(signal, theta[b], [6])
                np.testing.assert_allclose(warped[b], alone[0], atol=1e-13)
        data = torch.from_numpy(signal).requires_grad_()
        transform.warp_signals(data, torch.from_numpy(theta), [6]).sum().backward()
        self.assertEqual(data.grad.shape, signal.shape)

    def test_signals_of_different_lengths_follow_a_chain(self):
        transform = Cpab([5])
        chain = transform.sample_transformation(4, seed=2).reshape(2, 2, -1)
        signals = np.random.default_rng(3).standard_normal((2, 1, 9))
        warped = transform.warp_signals(signals, chain, [9, 9])
        np.testing.assert_allclose(
            warped, transform.warp_signals(signals, chain), atol=1e-13
        )

    def test_thetas_of_a_chain_may_be_a_list_of_tensors(self):
        transform = Cpab([3, 2])
        images = torch.rand(1, 1, 4, 4)
        chain = torch.from_numpy(
            transform.sample_transformation(2, seed=2).reshape(2, 1, -1)
        ).requires_grad_()
        warped = transform.transform_data(images, list(chain))
        torch.testing.assert_close(warped, transform.transform_data(images, chain))

    def test_padding_is_zero_also_where_a_signal_becomes_nan(self):
        transform = Cpab([5])
        theta = np.full((1, transform.get_theta_dim()), np.nan)
        for kind in (np.asarray, torch.from_numpy):
            warped = transform.warp_signals(
                kind(np.ones((1, 2, 9), np.float32)), kind(theta), [4]
            )
            self.assertTrue(np.isnan(warped[:, :, :4]).all())
            np.testing.assert_array_equal(warped[:, :, 4:], 0)


if __name__ == "__main__":
    unittest.main()
