"""Tensors of the installed torch, with autograd."""

import unittest

import numpy as np
import torch

from pycpab import Cpab as ArrayCpab
from pycpab.torch import Cpab, CpabSequential

KINDS = [
    dict(tess_size=[5]),
    dict(tess_size=[3, 2], zero_boundary=False),
    dict(tess_size=[2, 1, 1]),
]


def draw(kind, batch=2, points=7):
    transform = Cpab(**kind)
    generator = torch.Generator().manual_seed(1)
    theta = 0.4 * torch.randn(
        batch, transform.get_theta_dim(), generator=generator, dtype=torch.float64
    )
    grid = torch.rand(transform.ndim, points, generator=generator, dtype=torch.float64)
    return transform, theta, grid


class AutogradTest(unittest.TestCase):
    def test_values_are_those_of_arrays(self):
        for kind in KINDS:
            transform, theta, grid = draw(kind)
            moved = transform.transform_grid(grid, theta)
            expected = ArrayCpab(**kind).transform_grid(grid.numpy(), theta.numpy())
            np.testing.assert_array_equal(moved.numpy(), expected)
            self.assertEqual(
                transform.transform_grid(grid.float(), theta.float()).dtype,
                torch.float32,
            )
            # A tensor beside an array makes a tensor.
            mixed = transform.transform_grid(grid.numpy(), theta)
            np.testing.assert_array_equal(mixed.numpy(), expected)

    def test_integers_are_float64_and_truths_refused_at_any_time(self):
        transform = Cpab([3, 3])
        grid = torch.rand(2, 5, dtype=torch.float64)
        ones = torch.ones(1, transform.get_theta_dim(), dtype=torch.int64)
        for time in (1, -1, 0.1):
            moved = transform.transform_grid(grid, ones, time=time)
            expected = transform.transform_grid(grid, ones.double(), time=time)
            self.assertTrue(torch.equal(moved, expected))
            with self.assertRaises(TypeError):
                transform.transform_grid(grid, ones.bool(), time=time)

    # gradcheck compares with central differences; second derivatives jump at cells' sides,
    # where the differences are off by the order of eps.
    def check(self, function, *inputs):
        inputs = tuple(i.detach().clone().requires_grad_(True) for i in inputs)
        self.assertTrue(torch.autograd.gradcheck(function, inputs, eps=1e-6, atol=1e-4))

    def test_gradients_of_transforms(self):
        for kind in KINDS:
            transform, theta, grid = draw(kind)
            self.check(transform.transform_grid, grid, theta)
            self.check(transform.transform_grid, grid.expand(2, -1, -1), theta)
            self.check(transform.transform_grid, grid.expand(2, -1, -1), theta[0])
            self.check(lambda t: transform.inverse(grid, t), theta)

    def test_what_has_no_gradient_says_so(self):
        transform = Cpab([3, 3])
        grid = torch.rand(2, 5, dtype=torch.float64)
        theta = transform.sample_smooth(1, seed=1).double().requires_grad_(True)
        moved = transform.transform_grid(grid, theta)
        for values in (
            transform.jacobian(grid, theta).dy_dx,
            transform.jacobian(grid, theta).log_det,
            transform.calc_velocity(grid, theta),
        ):
            with self.assertRaisesRegex(RuntimeError, "has no gradient"):
                (values.sum() + moved.sum()).backward(retain_graph=True)
        theta.grad = None
        (transform.jacobian(grid, theta.detach()).y.sum() + moved.sum()).backward()
        self.assertGreater(theta.grad.abs().max(), 0)

    def test_gradients_of_log_det(self):
        for kind in KINDS:
            transform, theta, grid = draw(kind)
            chain = torch.stack([theta, -0.5 * theta.flip(0)])
            for call, argument in (
                (transform.log_det, theta),
                (lambda g, c: transform.log_det_chain(g, c, True), chain),
            ):
                self.check(call, grid, argument)
                self.check(call, grid.expand(2, -1, -1), argument)
        transform, theta, grid = draw(KINDS[1])
        at = theta.float().requires_grad_(True)
        transform.log_det(grid.float(), at).sum().backward()
        self.assertEqual(at.grad.dtype, torch.float32)
        self.assertEqual(at.grad.shape, at.shape)

    def test_the_slope_of_signals_is_the_exponential_of_log_det(self):
        transform, theta, grid = draw(KINDS[0])
        slope = lambda grid, theta: transform.log_det(grid, theta).exp()
        np.testing.assert_allclose(
            slope(grid, theta), transform.jacobian(grid, theta).dy_dx[:, :, 0, 0], rtol=1e-12
        )
        self.check(slope, grid, theta)

    def test_a_fit_says_whether_its_gradient_is_exact(self):
        transform = Cpab([4, 4])
        source = 0.2 + 0.6 * torch.rand(
            2, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
        )
        target = (source + 0.02).requires_grad_(True)
        report = transform.fit_keypoints(source, target)
        self.assertIsNone(report.gradient_exact)
        report.theta.sum().backward()
        self.assertEqual(report.gradient_exact.tolist(), [True, True])
        self.assertGreater(target.grad.abs().max(), 0)

    def test_gradients_of_chains(self):
        for kind in KINDS[:2]:
            transform, theta, grid = draw(kind)
            chain = torch.stack([theta, -0.5 * theta.flip(0), 0.3 * theta])
            for scale in (False, True):
                self.check(
                    lambda g, c: transform.transform_grid_chain(g, c, scale),
                    grid,
                    chain,
                )
                self.check(
                    lambda g, c: transform.inverse_chain(g, c, scale), grid, chain
                )

    def test_gradients_of_data(self):
        for kind in KINDS:
            transform, theta, _ = draw(kind)
            data = torch.randn(2, 2, *[3] * transform.ndim, dtype=torch.float64)
            size = [4, 2, 2][: transform.ndim]
            for outside in ("nearest", "zero"):
                self.check(
                    lambda d, t: transform.transform_data(d, t, size, outside=outside),
                    data,
                    theta,
                )
            self.check(
                lambda d, t: transform.transform_data(d, t, size), data[:1], theta
            )

    def test_data_of_float64_are_looked_up_in_float64(self):
        rng = np.random.default_rng(1)
        for kind, size in zip(KINDS, ([50], [9, 14], [6, 5, 7])):
            data = rng.standard_normal((1, *size, 2))
            arrays, tensors = ArrayCpab(**kind), Cpab(**kind)
            theta = np.zeros((1, arrays.get_theta_dim()))
            expected = arrays.transform_data(data, theta)
            channels_first = torch.from_numpy(np.moveaxis(data, -1, 1).copy())
            for sequence, thetas in (
                (tensors, torch.from_numpy(theta)),
                (CpabSequential(tensors), [torch.from_numpy(theta)]),
            ):
                warped = sequence.transform_data(channels_first, thetas, size)
                self.assertEqual(warped.dtype, torch.float64)
                np.testing.assert_array_equal(warped.movedim(1, -1), expected)
            # Rounding of the grid's places, up to 50 of float64's 1e-16.
            np.testing.assert_allclose(expected, data, atol=1e-13)

    def test_theta_from_tensors_is_a_tensor(self):
        transform, theta, _ = draw(KINDS[1])
        theta.requires_grad_(True)
        basis = transform.get_basis()
        velocities = torch.zeros(*transform.vertices().shape, dtype=torch.float64)
        for name, arguments in (
            ("theta_from_vertices", [velocities.requires_grad_(True)]),
            ("theta_from_cells", [theta @ basis.T]),
            ("theta_from_basis", [theta, basis]),
            ("prior_log_density", [theta]),
        ):
            made = getattr(transform, name)(*arguments)
            self.assertIsInstance(made, torch.Tensor)
            arrays = [a.detach().numpy() for a in arguments]
            expected = getattr(transform, name)(*arrays)
            self.assertIsInstance(expected, np.ndarray)
            np.testing.assert_array_equal(made.detach(), expected)
            with self.assertRaisesRegex(RuntimeError, f"{name} has no gradient"):
                made.sum().backward()

    def test_gradients_of_signals_of_different_lengths(self):
        transform, theta, _ = draw(KINDS[0])
        signals = torch.randn(2, 3, 6, dtype=torch.float64)
        self.check(lambda s, t: transform.warp_signals(s, t, [4, 6]), signals, theta)

    def test_gradients_keep_the_lengths_of_the_forward_pass(self):
        transform, theta, _ = draw(KINDS[0])
        signals = torch.randn(2, 3, 6, dtype=torch.float64)
        for kind in (np.array, torch.tensor):
            gradients = []
            for later in (4, 2):
                lengths = kind([4, 6])
                t = theta.clone().requires_grad_(True)
                loss = (transform.warp_signals(signals, t, lengths) ** 2).sum()
                lengths[0] = later
                loss.backward()
                gradients.append(t.grad)
            self.assertTrue(torch.equal(*gradients))

    def test_theta_of_a_fit_has_the_common_dtype(self):
        transform = Cpab([3, 3])
        points = torch.rand(2, 4)
        for pair in ((points, points.double()), (points.double(), points)):
            self.assertEqual(transform.fit_keypoints(*pair).theta.dtype, torch.float64)

    def test_theta_of_a_fit_is_a_tensor_if_weights_are(self):
        transform = ArrayCpab([3, 3])
        source = np.random.default_rng(1).uniform(0.2, 0.8, (2, 4))
        target = source + 0.02
        weights = torch.tensor([1.0, 2, 0, 1])
        theta = transform.fit_keypoints(source, target, weights).theta
        self.assertIsInstance(theta, torch.Tensor)
        self.assertFalse(theta.requires_grad)
        expected = transform.fit_keypoints(source, target, weights.numpy()).theta
        np.testing.assert_array_equal(theta, expected)
        weights.requires_grad_(True)
        theta = transform.fit_keypoints(source, target, weights).theta
        with self.assertRaisesRegex(
            RuntimeError, "fit_keypoints has no gradient by weights"
        ):
            theta.sum().backward()

    def test_gradients_of_fits(self):
        transform = Cpab([3, 3], zero_boundary=False)
        source = torch.rand(
            2, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2)
        )
        source = 0.2 + 0.6 * source
        target = (
            source + 0.05 * torch.randn(source.shape, dtype=torch.float64)
        ).requires_grad_(True)
        source.requires_grad_(True)
        report = transform.fit_keypoints(source, target)
        direction = torch.randn(report.theta.shape, dtype=torch.float64)
        (report.theta * direction).sum().backward()
        dl_dsource, dl_dtarget, _ = report.pullback(direction)
        np.testing.assert_array_equal(source.grad.numpy(), dl_dsource)
        np.testing.assert_array_equal(target.grad.numpy(), dl_dtarget)

    def test_float32_gradients_are_those_of_float64(self):
        transform, theta, grid = draw(KINDS[1])
        gradients = []
        for dtype in (torch.float32, torch.float64):
            t = theta.float().to(dtype).requires_grad_(True)
            g = grid.float().to(dtype).requires_grad_(True)
            (transform.transform_grid(g, t) ** 2).sum().backward()
            self.assertEqual((t.grad.dtype, g.grad.dtype), (dtype, dtype))
            gradients.append((t.grad.double(), g.grad.double()))
        for low, high in zip(*gradients):
            # Values and their squares' derivatives are rounded to 2^-24 each.
            np.testing.assert_allclose(low, high, rtol=1e-5, atol=1e-5)

    def test_a_second_derivative_is_refused(self):
        transform, theta, grid = draw(KINDS[0])
        theta.requires_grad_(True)
        moved = transform.transform_grid(grid, theta)
        (first,) = torch.autograd.grad(moved.sum(), theta, create_graph=True)
        with self.assertRaises(RuntimeError):
            first.sum().backward()

    def test_transposed_and_expanded_tensors(self):
        transform, theta, grid = draw(KINDS[1])
        expected = transform.transform_grid(grid, theta)
        points = grid.t().contiguous()
        self.assertTrue(
            torch.equal(transform.transform_grid(points.t(), theta), expected)
        )
        expanded = grid.expand(2, -1, -1).requires_grad_(True)
        self.assertTrue(
            torch.equal(transform.transform_grid(expanded, theta), expected)
        )

    def test_samples_follow_torchs_generators(self):
        transform = Cpab([3, 3])
        for sample in (transform.sample_transformation, transform.sample_smooth):
            torch.manual_seed(3)
            first = sample(2)
            self.assertEqual(first.dtype, torch.float32)
            torch.manual_seed(3)
            self.assertTrue(torch.equal(first, sample(2)))
            generator = torch.Generator().manual_seed(4)
            self.assertFalse(
                torch.equal(sample(2, seed=generator), sample(2, seed=generator))
            )
            self.assertTrue(torch.equal(sample(2, seed=5), sample(2, seed=5)))

    def test_samples_are_tensors_if_mean_or_cov_is(self):
        arrays, tensors = ArrayCpab([3, 3]), Cpab([3, 3])
        d = arrays.get_theta_dim()
        mean = torch.ones(d, dtype=torch.float64)
        for name, value in (("mean", mean), ("cov", torch.diag(mean))):
            sample = arrays.sample_transformation(2, **{name: value}, seed=1)
            self.assertIsInstance(sample, torch.Tensor)
            self.assertEqual(sample.dtype, torch.float64)
            expected = arrays.sample_transformation(2, **{name: value.numpy()}, seed=1)
            np.testing.assert_array_equal(sample, expected)
            sample = tensors.sample_transformation(2, **{name: value})
            self.assertEqual(sample.dtype, torch.float32)
        sample = arrays.sample_transformation(1, mean.requires_grad_(True))
        with self.assertRaisesRegex(
            RuntimeError, "sample_transformation has no gradient"
        ):
            sample.sum().backward()

    def test_training_lowers_a_loss(self):
        transform = Cpab([4, 4])
        grid = transform.uniform_meshgrid([8, 8])
        goal = transform.transform_grid(
            grid, transform.sample_smooth(1, seed=1, speed=0.3)
        )
        theta = transform.identity(1).requires_grad_(True)
        optimizer = torch.optim.Adam([theta], lr=0.1)
        losses = []
        for _ in range(80):
            optimizer.zero_grad()
            loss = ((transform.transform_grid(grid, theta) - goal) ** 2).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        self.assertLess(losses[-1], 0.05 * losses[0])


if __name__ == "__main__":
    unittest.main()
