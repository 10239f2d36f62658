"""Bases that are stored sparsely."""

import pickle
import unittest

import numpy as np

from pycpab import Cpab


class FineCellsTest(unittest.TestCase):
    def test_has_the_laws_of_a_flow(self):
        for cells in ([64, 64], [16, 16, 16]):
            transform = Cpab(cells)
            grid = np.random.default_rng(1).uniform(0, 1, (len(cells), 200))
            theta = transform.sample_smooth(2, speed=0.1, seed=1)
            self.assertEqual(theta.shape, (2, transform.get_theta_dim()))
            np.testing.assert_array_equal(
                theta, transform.sample_smooth(2, speed=0.1, seed=1)
            )
            moved = transform.transform_grid(grid, theta)
            self.assertGreater(np.abs(moved - grid).max(), 1e-3)
            self.assertTrue(((moved >= -1e-12) & (moved <= 1 + 1e-12)).all())
            np.testing.assert_allclose(
                transform.inverse(moved, theta), np.stack([grid] * 2), atol=1e-10
            )
            # Projection of the field's own velocities.
            velocities = transform.calc_velocity(transform.vertices(), theta)
            np.testing.assert_allclose(
                transform.theta_from_vertices(velocities), theta, atol=1e-8
            )

    def test_is_the_dense_field_in_another_basis(self):
        for cells in ([6, 5], [3, 2, 3]):
            for zero_boundary in (False, True):
                dense = Cpab(cells, zero_boundary=zero_boundary)
                sparse = Cpab(cells, zero_boundary=zero_boundary, sparse_basis=True)
                self.assertEqual(dense.get_theta_dim(), sparse.get_theta_dim())
                theta = dense.sample_smooth(1, seed=2)
                velocities = dense.calc_velocity(dense.vertices(), theta)
                same = sparse.theta_from_vertices(velocities)
                grid = np.random.default_rng(1).uniform(0, 1, (len(cells), 50))
                np.testing.assert_allclose(
                    sparse.transform_grid(grid, same),
                    dense.transform_grid(grid, theta),
                    atol=1e-11,
                )
                np.testing.assert_allclose(
                    np.linalg.norm(same), np.linalg.norm(theta), rtol=1e-10
                )

    def test_pickles(self):
        sparse = Cpab([4, 4], sparse_basis=True)
        copy = pickle.loads(pickle.dumps(sparse))
        theta = sparse.sample_smooth(1, seed=1)
        grid = sparse.uniform_meshgrid([5, 5])
        np.testing.assert_array_equal(
            copy.transform_grid(grid, theta), sparse.transform_grid(grid, theta)
        )

    def test_fits_keypoints(self):
        for cells in ([64, 64], [20, 20], [16, 16, 16]):
            transform = Cpab(cells, zero_boundary=True, sparse_basis=True)
            source = np.random.default_rng(1).uniform(0.2, 0.8, (len(cells), 6))
            target = source + 0.03 * np.sin(5 * source)
            report = transform.fit_keypoints(source, target)
            self.assertTrue(report.converged.all())
            self.assertLess(report.residual[0], 2e-3)
            np.testing.assert_allclose(
                transform.transform_grid(source, report.theta)[0], target, atol=2e-3
            )

    def test_fits_as_over_the_dense_basis(self):
        """The prior differs a little, so that what no pair says does; the pairs do not."""
        source = np.random.default_rng(1).uniform(0.2, 0.8, (2, 6))
        target = source + 0.03 * np.sin(5 * source)
        grid = np.random.default_rng(2).uniform(0.2, 0.8, (2, 100))
        moved = []
        for sparse in (False, True):
            transform = Cpab([16, 16], zero_boundary=True, sparse_basis=sparse)
            theta = transform.fit_keypoints(source, target).theta
            moved.append(transform.transform_grid(grid, theta)[0])
        self.assertLess(np.abs(moved[0] - moved[1]).max(), 0.02)
        self.assertGreater(np.abs(moved[0] - grid).max(), 0.02)

    def test_has_the_implicit_gradient(self):
        transform = Cpab([40, 40], zero_boundary=True)
        source = np.random.default_rng(1).uniform(0.2, 0.8, (2, 3))
        target = source + 0.02
        options = dict(tolerance=1e-12, max_iterations=200)
        report = transform.fit_keypoints(source, target, **options)
        direction = np.random.default_rng(2).normal(size=report.theta.shape)
        _, to, exact = report.pullback(direction)
        self.assertTrue(exact.all())
        h = 1e-6
        for a in range(2):
            values = []
            for side in (h, -h):
                moved = target.copy()
                moved[a, 1] += side
                theta = transform.fit_keypoints(source, moved, **options).theta
                values.append((theta * direction).sum())
            slope = (values[0] - values[1]) / (2 * h)
            self.assertAlmostEqual(to[0, a, 1], slope, delta=1e-2 * np.abs(to).max())

    def test_registers_pictures_and_volumes(self):
        """The objective is at most that of the planted field, which is the prior's alone."""
        for cells, size in (([40, 40], (24, 24)), ([9, 9, 9], (10, 10, 10))):
            transform = Cpab(cells)
            warp = transform.warp_images if len(cells) == 2 else transform.warp_volumes
            axes = np.meshgrid(*[np.linspace(0, 1, n) for n in size], indexing="ij")
            moving = 0.5 + 0.4 * np.prod([np.sin(6 * x) for x in axes], axis=0)
            velocity = 0.03 * np.sin(3 * transform.vertices()[-1])
            planted = transform.theta_from_vertices(np.stack([velocity] * len(cells)))
            fixed = warp(moving[None, None], planted)[0, 0]
            report = transform.register(moving, fixed, largest_side=size[0])
            self.assertEqual(report.theta.shape, (1, transform.get_theta_dim()))
            self.assertEqual(report.folded_share, 0)

            def energy(theta):
                density = transform.prior_log_density(np.stack([0 * theta[0], theta[0]]))
                return density[0] - density[1]

            left = warp(moving[None, None], report.theta)[0, 0] - fixed
            self.assertAlmostEqual(
                report.rms_after, np.sqrt((left**2).mean()), delta=1e-6
            )
            # image_registration.h and volume_registration.h have the weight.
            weight = 8 ** len(cells) / (2 * 0.1**2)
            self.assertLess(
                weight * report.rms_after**2 + energy(report.theta), energy(planted)
            )

    def test_says_what_wants_a_matrix(self):
        sparse = Cpab([4, 4], sparse_basis=True)
        for name in ("get_basis", "prior_precision", "covariance_cpa"):
            with self.assertRaisesRegex(ValueError, f"{name} is for .*sparse"):
                getattr(sparse, name)()
        # Before it makes one of tens of gigabytes.
        with self.assertRaisesRegex(ValueError, "covariance_cpa is for"):
            Cpab([128, 128]).sample_transformation_with_prior()
        with self.assertRaisesRegex(ValueError, "this has 1"):
            Cpab([4], sparse_basis=True)
        with self.assertRaisesRegex(ValueError, "with volume_preserving"):
            Cpab([2, 2, 2], volume_perservation=True, sparse_basis=True)
        with self.assertRaisesRegex(TypeError, "sparse_basis"):
            Cpab([4, 4], sparse_basis="yes")


if __name__ == "__main__":
    unittest.main()
