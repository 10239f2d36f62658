"""Keypoint fits and registration."""

import unittest

import numpy as np
import torch

from pycpab import Cpab


def pairs(seed=1, batch=2, count=6, size=0.08):
    rng = np.random.default_rng(seed)
    source = rng.uniform(0.15, 0.85, (batch, 2, count))
    return source, source + size * rng.standard_normal(source.shape)


class FitKeypointsTest(unittest.TestCase):
    def test_meets_pairs(self):
        transform = Cpab([6, 6], zero_boundary=False)
        source, target = pairs(size=0.03)
        report = transform.fit_keypoints(source, target)
        moved = transform.transform_grid(source, report.theta)
        # noise is 2e-4 a pair.
        np.testing.assert_allclose(moved, target, atol=2e-3)
        residual = np.sqrt(((moved - target) ** 2).sum(axis=(1, 2)))
        np.testing.assert_allclose(report.residual, residual, rtol=1e-6)
        self.assertTrue(report.converged.all())
        self.assertTrue((report.max_gradient <= 5).all())

    def test_equal_pairs_are_the_identity(self):
        transform = Cpab([4, 4])
        source, _ = pairs()
        report = transform.fit_keypoints(source, source)
        np.testing.assert_array_equal(report.theta, 0)
        np.testing.assert_array_equal(report.iterations, 0)

    def test_contradictory_pairs_stay_bounded(self):
        transform = Cpab([4, 4])
        source = np.full((2, 2), 0.5)
        target = np.array([[0.3, 0.7], [0.5, 0.5]])
        report = transform.fit_keypoints(source, target)
        self.assertTrue(np.isfinite(report.theta).all())
        np.testing.assert_allclose(report.residual, np.sqrt(2) * 0.2, rtol=1e-2)
        self.assertLess(report.max_gradient[0], 5.01)

    def test_weight_zero_leaves_a_pair_out(self):
        transform = Cpab([4, 4])
        source, target = pairs(batch=1)
        weights = np.array([1.0, 1, 1, 0, 0, 0])
        weighted = transform.fit_keypoints(source, target, weights).theta
        alone = transform.fit_keypoints(source[:, :, :3], target[:, :, :3]).theta
        np.testing.assert_array_equal(weighted, alone)

    def test_no_pairs_and_pairs_that_are_not_finite(self):
        transform = Cpab([4, 4])
        nothing = np.empty((3, 2, 0))
        np.testing.assert_array_equal(
            transform.fit_keypoints(nothing, nothing).theta, 0
        )
        source, target = pairs()
        target[1, 0, 0] = np.nan
        report = transform.fit_keypoints(source, target)
        self.assertTrue(np.isfinite(report.theta[0]).all())
        self.assertTrue(np.isnan(report.theta[1]).all())
        self.assertFalse(report.converged[1])

    # The gradient is of the minimum; a small tolerance brings theta close to it.
    def test_pullback_is_the_gradient_of_theta(self):
        transform = Cpab([3, 3], zero_boundary=False)
        source, target = pairs(batch=1, count=4)
        fit = lambda p, q: transform.fit_keypoints(
            p, q, tolerance=1e-15, max_iterations=300
        )
        direction = np.random.default_rng(7).standard_normal(transform.get_theta_dim())
        report = fit(source, target)
        dl_dsource, dl_dtarget, exact = report.pullback(direction[None])
        self.assertTrue(exact.all())
        h = 1e-5
        for k in range(4):
            for a in range(2):
                step = np.zeros_like(source)
                step[0, a, k] = h
                for gradient, p, q in ((dl_dsource, step, 0), (dl_dtarget, 0, step)):
                    ahead = fit(source + p, target + q).theta @ direction
                    behind = fit(source - p, target - q).theta @ direction
                    slope = ((ahead - behind) / (2 * h))[0]
                    scale = np.abs(gradient).max()
                    self.assertAlmostEqual(
                        gradient[0, a, k] / scale, slope / scale, delta=2e-3
                    )


class ChainTest(unittest.TestCase):
    def test_meets_pairs_by_a_field_that_changes(self):
        for cells, stages in (([6], 3), ([3, 3], 2), ([2, 2, 2], 2)):
            transform = Cpab(cells, zero_boundary=True)
            rng = np.random.default_rng(1)
            source = np.sort(rng.uniform(0.3, 0.7, (2, len(cells), 3)))
            target = source + 0.01 * rng.standard_normal(source.shape)
            report = transform.fit_keypoints(source, target, num_stages=stages)
            self.assertEqual(
                report.theta.shape, (stages, 2, transform.get_theta_dim())
            )
            moved = transform.transform_grid_chain(source, report.theta, True)
            residual = np.sqrt(((moved - target) ** 2).sum(axis=(1, 2)))
            np.testing.assert_allclose(report.residual, residual, atol=1e-12)
            self.assertLess(residual.max(), np.abs(source - target).max())
            gradients = report.pullback(np.ones_like(report.theta))
            self.assertEqual(gradients[0].shape, source.shape)


class BatchTest(unittest.TestCase):
    def test_empty_batches_and_views(self):
        for cells in ([5], [3, 3], [2, 2, 2]):
            ndim = len(cells)
            transform = Cpab(cells)
            none = np.empty((0, ndim, 3))
            for stages in (1, 2):
                report = transform.fit_keypoints(none, none, num_stages=stages)
                self.assertEqual(report.theta.shape[-2:], (0, transform.get_theta_dim()))
                self.assertEqual(report.pullback(report.theta)[0].shape, none.shape)
            chain = np.empty((2, 0, transform.get_theta_dim()))
            moved = transform.transform_grid_chain(none, chain)
            self.assertEqual(moved.shape, none.shape)
            rng = np.random.default_rng(1)
            source = rng.uniform(0.2, 0.8, (2, 3, ndim)).transpose(0, 2, 1)
            target = np.repeat(source + 0.01, 2, axis=0)[::2]
            source.setflags(write=False)
            views = transform.fit_keypoints(source, target).theta
            copies = transform.fit_keypoints(source.copy(), target.copy()).theta
            np.testing.assert_array_equal(views, copies)
            chain = np.stack([views, -0.5 * views, views])[::-1]
            chain.setflags(write=False)
            np.testing.assert_array_equal(
                transform.transform_grid_chain(source, chain),
                transform.transform_grid_chain(source.copy(), chain.copy()),
            )
            not_a_number = chain.copy()
            not_a_number[1, 0, 0] = np.nan
            moved = transform.transform_grid_chain(source, not_a_number)
            self.assertTrue(np.isnan(moved[0]).all())
            self.assertTrue(np.isfinite(moved[1]).all())


class OtherDimensionsTest(unittest.TestCase):
    def test_signals_meet_landmarks(self):
        transform = Cpab(12, zero_boundary=True)
        source = np.array([[0.2, 0.45, 0.7], [0.3, 0.5, 0.8]])
        target = np.array([[0.25, 0.4, 0.72], [0.27, 0.55, 0.78]])
        report = transform.fit_keypoints(source, target)
        moved = np.stack(
            [transform.transform_grid(s, t)[0] for s, t in zip(source, report.theta)]
        )
        np.testing.assert_allclose(moved, target, atol=1e-3)
        np.testing.assert_allclose(
            transform.transform_grid([0.0, 1], report.theta), [[0, 1]] * 2, atol=1e-13
        )

    def test_volumes_meet_landmarks(self):
        transform = Cpab([3, 3, 3])
        rng = np.random.default_rng(1)
        source = rng.uniform(0.3, 0.7, (2, 3, 4))
        target = source + 0.02 * rng.standard_normal(source.shape)
        report = transform.fit_keypoints(source, target)
        np.testing.assert_allclose(
            transform.transform_grid(source, report.theta), target, atol=2e-3
        )
        gradients = report.pullback(np.ones_like(report.theta))
        self.assertEqual([g.shape for g in gradients], [(2, 3, 4), (2, 3, 4), (2,)])
        self.assertTrue(gradients[2].all())


def blobs(size=48):
    y, x = np.mgrid[0:size, 0:size] / (size - 1)
    image = np.zeros((size, size), np.float32)
    for cx, cy, r in ((0.3, 0.35, 0.1), (0.65, 0.3, 0.07), (0.5, 0.7, 0.13)):
        image += np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * r * r)).astype(
            np.float32
        )
    return np.clip(image, 0, 1)


class RegisterTest(unittest.TestCase):
    def test_finds_a_warp(self):
        transform = Cpab([4, 4])
        moving = blobs()
        theta = 0.5 * transform.sample_smooth(1, seed=3, speed=0.15)
        fixed = transform.warp_images(moving[None, None], theta.astype(np.float32))[
            0, 0
        ]
        report = transform.register(moving, fixed, largest_side=48)
        self.assertGreater(report.rms_before, 0.02)
        self.assertLess(report.rms_after, 0.25 * report.rms_before)
        warped = transform.warp_images(
            moving[None, None], report.theta.astype(np.float32)
        )[0, 0]
        self.assertLess(
            np.sqrt(np.mean((warped - fixed) ** 2)), 0.3 * report.rms_before
        )
        self.assertTrue(
            (transform.log_det(transform.vertices(), report.theta) > -5).all()
        )

    def test_a_field_that_changes(self):
        transform = Cpab([4, 4])
        moving = blobs()
        theta = 0.5 * transform.sample_smooth(1, seed=3, speed=0.15)
        fixed = transform.warp_images(moving[None, None], theta)[0, 0]
        report = transform.register(moving, fixed, largest_side=48, num_stages=2)
        self.assertEqual(report.theta.shape, (2, 1, transform.get_theta_dim()))
        warped = transform.warp_images(moving[None, None], report.theta)[0, 0]
        self.assertLess(
            np.sqrt(np.mean((warped - fixed) ** 2)), 0.3 * report.rms_before
        )
        self.assertEqual(report.folded_share, 0)
        self.assertGreater(report.least_jacobian, 0)

    def test_volumes(self):
        transform = Cpab([2, 2, 2], zero_boundary=False)
        z, y, x = np.mgrid[0:18, 0:20, 0:22] / np.array([17, 19, 21])[:, None, None, None]
        moving = np.zeros(x.shape)
        for cx, cy, cz in ((0.3, 0.4, 0.6), (0.7, 0.3, 0.4), (0.5, 0.7, 0.5)):
            distance = (x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2
            moving += np.exp(-distance / (2 * 0.12**2))
        theta = 0.5 * transform.sample_smooth(1, seed=3, speed=0.15)
        fixed = transform.warp_volumes(moving[None, None], theta)[0, 0]
        options = dict(largest_side=16)
        for similarity, seen in (
            ("squared_differences", fixed),
            ("local_correlation", 5 - 3 * fixed),
        ):
            for stages in (1, 2):
                report = transform.register(
                    moving, seen, similarity=similarity, num_stages=stages, **options
                )
                warped = transform.warp_volumes(moving[None, None], report.theta)[0, 0]
                before = np.sqrt(np.mean((moving - fixed) ** 2))
                after = np.sqrt(np.mean((warped - fixed) ** 2))
                self.assertLess(after, 0.4 * before, (similarity, stages))
                self.assertLess(report.rms_after, report.rms_before)
                self.assertEqual(report.folded_share, 0)
                self.assertGreater(report.least_jacobian, 0)

    def test_read_only_and_strided_arrays(self):
        transform = Cpab([2, 2, 2])
        rng = np.random.default_rng(1)
        moving, fixed = rng.uniform(0, 1, (2, 9, 10, 11)).astype(np.float32)
        expected = transform.register(moving, fixed, largest_side=8, max_iterations=2)
        wide = np.zeros((9, 10, 22), np.float32)
        wide[:, :, ::2] = moving
        turned = np.asfortranarray(fixed)
        for array in (wide, turned):
            array.setflags(write=False)
        report = transform.register(
            wide[:, :, ::2], turned, largest_side=8, max_iterations=2
        )
        np.testing.assert_array_equal(report.theta, expected.theta)

    def test_takes_bytes_and_colours(self):
        transform = Cpab([2, 2])
        grey = (255 * blobs(24)).astype(np.uint8)
        report = transform.register(np.stack([grey] * 3, axis=2), grey, largest_side=24)
        np.testing.assert_allclose(report.theta, 0, atol=1e-3)

    def test_tensors_are_read_as_arrays_of_their_dtype(self):
        for transform, image in (
            (Cpab([2, 2]), blobs(24)),
            (Cpab([2, 2, 2]), np.stack([blobs(12)] * 10)),
        ):
            for dtype, white in ((np.uint8, 255), (np.int32, None), (np.float64, 1)):
                moving = ((white or 255) * image).astype(dtype)
                fixed = np.roll(moving, 1, axis=-1)
                tensors = torch.from_numpy(moving), torch.from_numpy(fixed)
                options = dict(largest_side=16, max_iterations=3)
                if white is None:
                    with self.assertRaisesRegex(TypeError, "moving has dtype int32"):
                        transform.register(*tensors, **options)
                    continue
                expected = transform.register(moving, fixed, **options)
                report = transform.register(*tensors, **options)
                self.assertEqual(report.rms_before, expected.rms_before)
                np.testing.assert_array_equal(report.theta, expected.theta)
                self.assertLess(report.rms_before, 1)
        with self.assertRaisesRegex(TypeError, "moving has dtype torch.bfloat16"):
            transform.register(tensors[0].bfloat16(), tensors[1])

    def test_reports_jacobians_at_the_pixels_compared(self):
        # With 5 cells the least Jacobian of finer grids is another one.
        transform = Cpab([5, 5])
        moving = blobs(40)[:, :20]
        fixed = np.roll(moving, 2, axis=1)
        for largest_side, rows, columns in ((64, 40, 20), (17, 17, 8)):
            report = transform.register(moving, fixed, largest_side=largest_side)
            # Of a reduced picture, the means of the places of the pixels averaged.
            axes = [
                np.interp((np.arange(n) + 0.5) * whole / n - 0.5, [0, whole - 1], [0, 1])
                for whole, n in ((20, columns), (40, rows))
            ]
            grid = np.stack([g.ravel() for g in np.meshgrid(*axes)])
            least = np.exp(transform.log_det(grid, report.theta).min())
            np.testing.assert_allclose(report.least_jacobian, least, rtol=1e-12)

    def test_keeps_the_border_and_areas(self):
        transform = Cpab([4, 4], zero_boundary=True, volume_perservation=True)
        moving = blobs()
        theta = 0.5 * transform.sample_smooth(1, seed=3, speed=0.15)
        fixed = transform.warp_images(moving[None, None], theta)[0, 0]
        report = transform.register(moving, fixed, largest_side=48)
        self.assertLess(report.rms_after, 0.25 * report.rms_before)
        np.testing.assert_allclose(report.least_jacobian, 1, atol=1e-9)


if __name__ == "__main__":
    unittest.main()
