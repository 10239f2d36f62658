"""Transforms of arrays: laws, golden numbers of libcpab, derivatives, layouts."""

import unittest

import numpy as np

import golden
from pycpab import Cpab, CpabSequential

# Every number of dimensions, with and without constraints.
KINDS = [
    dict(tess_size=[5], zero_boundary=False),
    dict(tess_size=[7], zero_boundary=True),
    dict(tess_size=[3, 2], zero_boundary=False),
    dict(tess_size=[4, 4], zero_boundary=True, volume_perservation=True),
    dict(tess_size=[2, 1, 2], zero_boundary=True),
]


def draw(kind, batch=3, points=40, seed=1):
    """A transform, theta [B, d] and points [ndim, N] in the unit cube."""
    transform = Cpab(**kind)
    rng = np.random.default_rng(seed)
    theta = 0.4 * rng.standard_normal((batch, transform.get_theta_dim()))
    return transform, theta, rng.uniform(0, 1, (transform.ndim, points))


class LawsTest(unittest.TestCase):
    def test_zero_theta_is_the_identity(self):
        for kind in KINDS:
            transform, _, grid = draw(kind)
            moved = transform.transform_grid(grid, transform.identity(2))
            np.testing.assert_array_equal(moved, np.stack([grid, grid]))

    # Rounding of 1e-16, amplified by the flow's stretch of at most e^5 here.
    def test_inverse_and_group(self):
        for kind in KINDS:
            transform, theta, grid = draw(kind)
            moved = transform.transform_grid(grid, theta)
            back = transform.inverse(moved, theta)
            np.testing.assert_allclose(
                back, np.broadcast_to(grid, back.shape), atol=1e-12
            )
            half = transform.transform_grid(grid, theta, time=0.5)
            again = transform.transform_grid(half, theta, time=0.5)
            np.testing.assert_allclose(again, moved, atol=1e-12)

    def test_zero_boundary_maps_the_cube_onto_itself(self):
        for kind in KINDS:
            if not kind["zero_boundary"]:
                continue
            transform, theta, _ = draw(kind)
            grid = transform.uniform_meshgrid([6] * transform.ndim)
            moved = transform.transform_grid(grid, theta)
            self.assertGreaterEqual(moved.min(), -1e-12)
            self.assertLessEqual(moved.max(), 1 + 1e-12)
            for side in (0, 1):
                on_side = np.broadcast_to(grid == side, moved.shape)
                np.testing.assert_allclose(moved[on_side], side, atol=1e-12)

    def test_a_batch_is_its_singles(self):
        for kind in KINDS:
            transform, theta, grid = draw(kind)
            moved = transform.transform_grid(grid, theta)
            for b in range(3):
                np.testing.assert_array_equal(
                    transform.transform_grid(grid, theta[b])[0], moved[b]
                )

    def test_float32_is_float64_rounded(self):
        for kind in KINDS:
            transform, theta, grid = draw(kind)
            theta32, grid32 = theta.astype(np.float32), grid.astype(np.float32)
            moved = transform.transform_grid(grid32, theta32)
            self.assertEqual(moved.dtype, np.float32)
            exact = transform.transform_grid(
                grid32.astype(float), theta32.astype(float)
            )
            np.testing.assert_array_equal(moved, exact.astype(np.float32))

    def test_affine_fields_flow_by_the_exponential(self):
        transform = Cpab([3, 3], zero_boundary=False)
        vertices = transform.vertices()
        theta = transform.theta_from_vertices(0.5 * vertices + 0.2)
        np.testing.assert_allclose(
            transform.transform_grid(vertices, theta)[0],
            np.exp(0.5) * vertices + 0.2 * np.expm1(0.5) / 0.5,
            atol=1e-13,
        )
        np.testing.assert_allclose(
            transform.calc_vectorfield(vertices, theta),
            0.5 * vertices + 0.2,
            atol=1e-13,
        )


class GoldenTest(unittest.TestCase):
    """The flow of libcpab's fields; exact by an event-driven solver in long double."""

    def check(self, name, tess_size, zero_boundary, volume_perservation):
        data = golden.read(f"cpab/testdata/cpab_traj_{name}.safetensors")
        transform = Cpab(tess_size, zero_boundary, volume_perservation)
        theta = transform.theta_from_cells(data["A"])
        moved = transform.transform_grid(data["points"].astype(float), theta)
        exact = data["exact_f64"]
        # The solver's own uncertainty, 2e-11, and its fields' size of up to 300.
        np.testing.assert_allclose(moved, exact, rtol=1e-9, atol=1e-10)
        # libcpab's 50 steps are some 1e-4 away for moderate fields; the first is gentle.
        np.testing.assert_allclose(moved[0], data["libcpab_f64"][0], atol=5e-4)
        if "basis" not in data:
            return
        # theta for libcpab's basis, carried over by their basis.
        basis = data["basis"].astype(float)
        theirs = data["A"].reshape(len(theta), -1) @ basis
        np.testing.assert_allclose(
            transform.theta_from_basis(theirs, basis), theta, atol=1e-5
        )

    def test_trajectories(self):
        self.check("2x2_zb0_vp0", [2, 2], False, False)
        self.check("4x4_zb0_vp0", [4, 4], False, False)
        self.check("4x4_zb1_vp1", [4, 4], True, True)

    def test_cells_of_another_tessellation_are_refused(self):
        data = golden.read("cpab/testdata/cpab_traj_4x4_zb0_vp0.safetensors")
        with self.assertRaisesRegex(ValueError, "no field of Cpab"):
            Cpab([4, 4], True).theta_from_cells(data["A"])
        with self.assertRaisesRegex(ValueError, r"cells has shape \[\d+, 64, 6\]"):
            Cpab([2, 2], False).theta_from_cells(data["A"])

    def test_gradient(self):
        data = golden.read("cpab/testdata/cpab_grad_4x4_zb0_vp0.safetensors")
        transform = Cpab([4, 4], False)
        theta = transform.theta_from_cells(data["A"])
        points = data["points"].astype(float)
        jacobian = transform.jacobian(points, theta, with_theta=True)
        cotangent = np.broadcast_to(data["cotangent"], jacobian.y.shape).astype(float)
        dl_dtheta = np.einsum("ban,bnad->bd", cotangent, jacobian.dy_dtheta)
        dl_dpoints = np.einsum("ban,bnac->bcn", cotangent, jacobian.dy_dx)
        cells = (dl_dtheta @ transform.get_basis().T).reshape(len(theta), -1)
        expected = data["grad_A_projected_exact"].reshape(len(theta), -1)
        # The golden numbers are differences, with an error of 1e-8 of the gentle fields'.
        np.testing.assert_allclose(
            cells, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max()
        )
        exact = data["grad_points_exact"]
        scale = np.abs(exact).max()
        self.assertLess(np.median(np.abs(dl_dpoints - exact)), 1e-7 * scale)


class DerivativesTest(unittest.TestCase):
    # Kinks of the second derivative leave an error of order h.
    def test_jacobian_is_that_of_differences(self):
        h = 1e-6
        for kind in KINDS:
            transform, theta, grid = draw(kind, batch=2)
            jacobian = transform.jacobian(grid, theta, with_theta=True)
            np.testing.assert_allclose(
                jacobian.y, transform.transform_grid(grid, theta), atol=1e-13
            )
            direction = np.random.default_rng(5).standard_normal(theta.shape)
            ahead = transform.transform_grid(grid, theta + h * direction)
            behind = transform.transform_grid(grid, theta - h * direction)
            along = np.einsum("bnad,bd->ban", jacobian.dy_dtheta, direction)
            np.testing.assert_allclose(along, (ahead - behind) / (2 * h), atol=1e-4)
            for c in range(transform.ndim):
                step = np.zeros((transform.ndim, 1))
                step[c] = h
                moved = transform.transform_grid(grid + step, theta)
                slope = (moved - transform.transform_grid(grid - step, theta)) / (2 * h)
                np.testing.assert_allclose(
                    jacobian.dy_dx[:, :, :, c].transpose(0, 2, 1), slope, atol=1e-4
                )
            np.testing.assert_allclose(
                np.linalg.det(jacobian.dy_dx), np.exp(jacobian.log_det), rtol=1e-11
            )
            # The same terms, summed from the other end.
            np.testing.assert_allclose(
                transform.log_det(grid, theta), jacobian.log_det, atol=1e-14
            )

    def test_volume_preserving_has_log_det_zero(self):
        transform, theta, grid = draw(KINDS[3])
        np.testing.assert_allclose(transform.log_det(grid, theta), 0, atol=1e-13)


class ChainTest(unittest.TestCase):
    def test_chain_inverse_and_log_det(self):
        for kind in KINDS:
            transform, theta, grid = draw(kind)
            chain = np.stack([theta, -0.5 * theta[::-1], 0.3 * theta])
            for scale in (False, True):
                step = 1 / 3 if scale else 1
                expected, log_det = grid, 0
                for t in chain:
                    log_det = log_det + transform.log_det(expected, t * step)
                    expected = transform.transform_grid(expected, t * step)
                moved = transform.transform_grid_chain(grid, chain, scale_by_dt=scale)
                np.testing.assert_allclose(moved, expected, atol=1e-13)
                np.testing.assert_allclose(
                    transform.log_det_chain(grid, chain, scale), log_det, atol=1e-12
                )
                back = transform.inverse_chain(moved, chain, scale)
                np.testing.assert_allclose(
                    back, np.broadcast_to(grid, back.shape), atol=1e-11
                )

    def test_a_constant_chain_scaled_is_one_flow(self):
        transform, theta, grid = draw(KINDS[2])
        moved = transform.transform_grid_chain(
            grid, np.stack([theta] * 4), scale_by_dt=True
        )
        np.testing.assert_allclose(
            moved, transform.transform_grid(grid, theta), atol=1e-13
        )

    def test_sequential_goes_through_different_tessellations(self):
        first, second = Cpab([2, 2]), Cpab([3, 1])
        both = CpabSequential(first, second)
        thetas = both.sample_transformation(2, seed=3)
        grid = both.uniform_meshgrid([5, 5])
        moved = both.transform_grid(grid, thetas)
        middle = first.transform_grid(grid, thetas[0])
        np.testing.assert_array_equal(moved, second.transform_grid(middle, thetas[1]))
        np.testing.assert_allclose(
            both.inverse(moved, thetas), np.broadcast_to(grid, moved.shape), atol=1e-12
        )


    def test_each_transform_of_a_sequence_has_its_own_seed(self):
        both = CpabSequential(Cpab([2, 2]), Cpab([2, 2]))
        first, second = both.sample_transformation(2, seed=3)
        self.assertFalse((first == second).any())
        for theta, same in zip(
            (first, second), both.sample_transformation(2, seed=np.int64(3))
        ):
            np.testing.assert_array_equal(theta, same)
        np.testing.assert_array_equal(
            both.sample_transformation(2, seed=np.uint64(3))[1], second
        )


class LayoutTest(unittest.TestCase):
    """Arrays of any layout give what contiguous ones give, and are not written to."""

    def test_any_strides(self):
        transform, theta, grid = draw(KINDS[2])
        expected = transform.transform_grid(grid, theta)
        rows = np.ascontiguousarray(grid.T)
        spaced = np.zeros((2, 80))
        spaced[:, ::2] = grid
        odd = (
            np.zeros(grid.nbytes + 1, np.uint8)[1:].view(np.float64).reshape(grid.shape)
        )
        odd[...] = grid
        for array in (
            rows.T,
            spaced[:, ::2],
            np.asfortranarray(grid),
            grid.astype(">f8"),
            odd,
        ):
            np.testing.assert_array_equal(
                transform.transform_grid(array, theta), expected
            )
        np.testing.assert_array_equal(
            transform.transform_grid(grid[:, ::-1], theta), expected[:, :, ::-1]
        )
        batched = np.broadcast_to(grid, (3,) + grid.shape)
        np.testing.assert_array_equal(
            transform.transform_grid(batched, theta), expected
        )

    def test_read_only_arrays(self):
        transform, theta, grid = draw(KINDS[2])
        expected = transform.transform_grid(grid, theta)
        for array in (theta, grid):
            array.flags.writeable = False
        np.testing.assert_array_equal(transform.transform_grid(grid, theta), expected)

    def test_empty_and_single(self):
        for kind in KINDS:
            transform, theta, grid = draw(kind)
            self.assertEqual(transform.transform_grid(grid[:, :0], theta).shape[2], 0)
            self.assertEqual(transform.transform_grid(grid, theta[:0]).shape[0], 0)
            self.assertEqual(transform.log_det(grid[:, :0], theta).shape, (3, 0))
            self.assertEqual(transform.transform_grid(grid[:, :1], theta).shape[2], 1)

    def test_points_and_thetas_that_are_not_finite_are_nan(self):
        for kind in KINDS:
            transform, theta, grid = draw(kind)
            expected = transform.transform_grid(grid, theta)
            grid[:, 3] = np.nan
            grid[:, 7] = np.inf
            theta[1] = np.nan
            moved = transform.transform_grid(grid, theta)
            self.assertTrue(np.isnan(moved[:, :, [3, 7]]).all())
            self.assertTrue(np.isnan(moved[1]).all())
            rest = np.delete(np.arange(grid.shape[1]), [3, 7])
            np.testing.assert_allclose(
                moved[0][:, rest], expected[0][:, rest], atol=1e-13
            )
            theta[1] = np.inf
            self.assertTrue(np.isnan(transform.transform_grid(grid, theta)[1]).all())

    def test_far_points(self):
        for kind in KINDS:
            transform, theta, _ = draw(kind)
            far = np.array([[1e6, -1e3], [-1e6, 5e3], [1e5, 1e6]])[: transform.ndim]
            back = transform.inverse(transform.transform_grid(far, theta), theta)
            np.testing.assert_allclose(
                back, np.broadcast_to(far, back.shape), rtol=1e-11, atol=1e-5
            )


class SamplesTest(unittest.TestCase):
    def test_the_seed_decides(self):
        for kind in KINDS:
            transform = Cpab(**kind)
            for sample in (
                transform.sample_transformation,
                transform.sample_transformation_with_prior,
                transform.sample_smooth,
            ):
                first = sample(3, seed=5)
                self.assertEqual(first.shape, (3, transform.get_theta_dim()))
                np.testing.assert_array_equal(first, sample(3, seed=5))
                self.assertTrue((first != sample(3, seed=6)).any())
                rng = np.random.default_rng(1)
                self.assertTrue((sample(3, seed=rng) != sample(3, seed=rng)).any())
                self.assertTrue((sample(3) != sample(3)).any())

    def test_samples_have_the_covariance_asked_for(self):
        transform = Cpab([2, 2])
        d = transform.get_theta_dim()
        rng = np.random.default_rng(2)
        root = rng.standard_normal((d, d)) / np.sqrt(d)
        root[:, 0] = 0  # Singular.
        cov, mean = root @ root.T, rng.standard_normal(d)
        samples = transform.sample_transformation(20000, mean, cov, seed=1)
        # Five standard deviations of a variance's estimate, 5 sqrt(2 / 20000).
        np.testing.assert_allclose(
            np.cov(samples.T), cov, atol=0.05 * np.diag(cov).max()
        )
        np.testing.assert_allclose(samples.mean(axis=0), mean, atol=0.04)

    def test_smooth_samples_have_the_prior(self):
        for kind in KINDS:
            transform = Cpab(**kind)
            d = transform.get_theta_dim()
            samples = transform.sample_smooth(2000, seed=4)
            precision = transform.prior_precision()
            energy = np.einsum("bd,de,be->b", samples, precision, samples)
            # Chi-squared with d degrees of freedom.
            self.assertAlmostEqual(
                energy.mean() / d, 1, delta=5 * np.sqrt(2 / d / 2000)
            )
            density = transform.prior_log_density(samples[:3])
            log_det = np.linalg.slogdet(precision)[1]
            expected = 0.5 * (log_det - d * np.log(2 * np.pi) - energy[:3])
            np.testing.assert_allclose(density, expected, rtol=1e-10)

    def test_difws_prior_is_its_kernel_projected(self):
        transform = Cpab(4)
        basis, centers = transform.get_basis(), (np.arange(4) + 0.5) / 4
        kernel = np.exp(-np.abs(centers[:, None] - centers) / (2 * 0.2**2))
        expected = basis.T @ np.kron(kernel, np.eye(2)) @ basis
        np.testing.assert_allclose(
            transform.covariance_cpa(0.2, 1), expected, atol=1e-12
        )

    def test_libcpabs_prior_is_its_kernel_projected(self):
        transform = Cpab([2, 2], zero_boundary=False)
        basis = transform.get_basis()
        np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)
        # Centres of the triangles, rectangle by rectangle: top, right, bottom, left.
        centers = []
        for j in range(2):
            for i in range(2):
                for x, y in ((0.5, 1 / 6), (5 / 6, 0.5), (0.5, 5 / 6), (1 / 6, 0.5)):
                    centers.append(((i + x) / 2, (j + y) / 2))
        centers = np.array(centers)
        squares = ((centers[:, None] - centers[None]) ** 2).sum(axis=2)
        kernel = 4 * np.exp(-squares / (2 * 0.3**2))
        expected = basis.T @ np.kron(kernel, np.eye(6)) @ basis
        np.testing.assert_allclose(
            transform.covariance_cpa(0.3, 2), expected, atol=1e-12
        )


if __name__ == "__main__":
    unittest.main()
