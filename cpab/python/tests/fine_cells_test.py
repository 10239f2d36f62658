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

    def test_says_what_wants_a_matrix(self):
        sparse = Cpab([4, 4], sparse_basis=True)
        pair = np.full((2, 1), 0.5)
        for call in (
            sparse.get_basis,
            sparse.prior_precision,
            sparse.covariance_cpa,
            lambda: sparse.fit_keypoints(pair, pair),
        ):
            with self.assertRaisesRegex(ValueError, "sparse"):
                call()
        with self.assertRaisesRegex(ValueError, "would take gigabytes"):
            Cpab([19, 19, 19]).sample_smooth()
        with self.assertRaisesRegex(ValueError, "this has 1"):
            Cpab([4], sparse_basis=True)
        with self.assertRaisesRegex(ValueError, "with volume_preserving"):
            Cpab([2, 2, 2], volume_perservation=True, sparse_basis=True)
        with self.assertRaisesRegex(TypeError, "sparse_basis"):
            Cpab([4, 4], sparse_basis="yes")


if __name__ == "__main__":
    unittest.main()
