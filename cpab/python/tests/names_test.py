"""Programs written for libcpab, FG-CPAB and difw run with the import changed."""

import unittest

import numpy as np
import torch

import pycpab
import pycpab.torch


class NamesTest(unittest.TestCase):
    # After libcpab's simple_demo, alignment_demo and sequential_demo.
    def test_libcpab_with_numpy(self):
        T = pycpab.Cpab(
            [3, 3],
            backend="numpy",
            device="cpu",
            zero_boundary=True,
            volume_perservation=False,
            override=False,
        )
        data = np.tile(np.random.default_rng(1).random((12, 10, 3))[None], [4, 1, 1, 1])
        theta = T.sample_transformation(4)
        self.assertEqual(
            T.transform_data(data, theta, outsize=(9, 8)).shape, (4, 9, 8, 3)
        )
        grid = T.uniform_meshgrid([5, 4])
        # x runs fastest.
        np.testing.assert_allclose(
            grid[:, :6].T, [[0, 0], [0.25, 0], [0.5, 0], [0.75, 0], [1, 0], [0, 1 / 3]]
        )
        self.assertEqual(T.calc_vectorfield(grid, theta[:1]).shape, (2, 20))
        params = T.get_params()
        self.assertEqual(
            (params.nc, params.ndim, params.d), ([3, 3], 2, T.get_theta_dim())
        )
        self.assertEqual(T.get_basis().shape, (params.D, params.d))
        sequence = pycpab.CpabSequential(
            T, pycpab.Cpab([2, 2], "numpy", "cpu", True, False, False)
        )
        thetas = [0.5 * t for t in sequence.sample_transformation(4)]
        every = sequence.transform_data(data, thetas, outsize=(6, 5), output_all=True)
        self.assertEqual([e.shape for e in every], [(4, 6, 5, 3)] * 2)

    def test_libcpab_with_pytorch(self):
        T = pycpab.Cpab([3, 3], "pytorch", "cpu", zero_boundary=True)
        data = torch.rand(2, 3, 12, 10)
        theta = T.identity(2, epsilon=1e-6).requires_grad_(True)
        loss = torch.norm(
            T.transform_data(data, theta, outsize=(12, 10)) - data.flip(2)
        )
        loss.backward()
        self.assertEqual(theta.grad.shape, (2, T.get_theta_dim()))
        self.assertTrue(torch.isfinite(theta.grad).all())

    def test_fg_cpab_and_the_fork(self):
        for T in (
            pycpab.torch.Cpab([4, 4], True),
            pycpab.torch.Cpab([4, 4], device="cpu", zero_boundary=True),
        ):
            T.set_solver_params(nstepsolver=50, adaptive_substeps=True)
            grid = T.uniform_meshgrid([6, 5])
            self.assertEqual((tuple(grid.shape), grid.dtype), ((2, 30), torch.float32))
            theta = T.sample_transformation_with_prior(
                2, length_scale=0.2, output_variance=0.5
            )
            chain = torch.stack([theta, -theta, theta]).requires_grad_(True)
            moved = T.transform_grid_chain(grid, chain, scale_by_dt=True)
            self.assertEqual(tuple(moved.shape), (2, 2, 30))
            moved.sum().backward()
            self.assertEqual(chain.grad.shape, chain.shape)
            # theta, -theta, theta for a third each is theta for a third.
            third = T.transform_grid(grid, theta / 3)
            np.testing.assert_allclose(moved.detach(), third, atol=1e-5)

    # After difw's README and test scripts.
    def test_difw(self):
        for backend in ("numpy", "pytorch"):
            T = pycpab.Cpab(
                tess_size=5,
                backend=backend,
                device="cpu",
                zero_boundary=True,
                basis="qr",
            )
            grid = T.uniform_meshgrid(100)
            theta = T.identity(epsilon=1)
            self.assertEqual(tuple(theta.shape), (1, 4))
            self.assertEqual(tuple(grid.shape), (100,))
            moved = T.transform_grid(grid, theta)
            self.assertEqual(tuple(moved.shape), (1, 100))
            self.assertEqual(tuple(T.transform_grid(moved, theta).shape), (1, 100))
            self.assertEqual(tuple(T.gradient_grid(grid, theta).shape), (1, 100, 4))
            self.assertEqual(tuple(T.gradient_space(grid, theta).shape), (1, 100))
            self.assertEqual(tuple(T.calc_velocity(grid, theta).shape), (1, 100))
            self.assertEqual(tuple(T.covariance_cpa().shape), (4, 4))
            squared = T.transform_grid_ss(grid, theta, time=1 / 8, N=3)
            np.testing.assert_allclose(
                np.asarray(squared), np.asarray(moved), atol=1e-6
            )
            data = np.ones((1, 20, 2)) if backend == "numpy" else torch.ones(1, 20, 2)
            self.assertEqual(tuple(T.transform_data(data, theta, 30).shape), (1, 30, 2))


if __name__ == "__main__":
    unittest.main()
