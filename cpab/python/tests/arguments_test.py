"""Bad arguments: each raises an error that names it, none ends the process."""

import copy
import pickle
import unittest

import numpy as np
import torch

import pycpab
from pycpab import Cpab, CpabSequential, _core

T = Cpab([3, 2])
D = T.get_theta_dim()
GRID = np.full((2, 5), 0.5)
THETA = np.zeros((2, D))
PAIRS = np.full((2, 2, 3), 0.5)
S = Cpab([2, 2, 2])
FINE = Cpab([6, 6], sparse_basis=True, zero_boundary=False)
VOLUME = np.zeros((8, 8, 8))
IMAGE = np.zeros((2, 4, 4, 1))

# (what is called, the error, what its text says)
BAD = [
    (
        lambda: T.transform_data(IMAGE.astype(np.float16), THETA),
        TypeError,
        "^data has dtype float16",
    ),
    (lambda: T.transform_data(IMAGE, THETA, [5]), ValueError, "^outsize has 1 elements"),
    (
        lambda: T.transform_grid_chain(GRID, [THETA[:1], THETA]),
        ValueError,
        "^theta_chain has elements of different shapes",
    ),
    (lambda: Cpab([]), ValueError, "0 axes"),
    (lambda: Cpab([1, 2, 3, 4]), ValueError, "4 axes"),
    (lambda: Cpab([0, 2]), ValueError, "tess_size has the element 0"),
    (lambda: Cpab([2.5, 2]), TypeError, "tess_size has the element 2.5"),
    (lambda: Cpab([True, 2]), TypeError, "tess_size has the element True"),
    (lambda: Cpab("ab"), TypeError, "tess_size has the element 'a'"),
    (lambda: Cpab(None), TypeError, "tess_size is None"),
    (lambda: Cpab([129, 1]), ValueError, "129"),
    (lambda: Cpab([1, 1], True, True), ValueError, "no"),
    (lambda: Cpab([2], "tensorflow"), ValueError, "backend is 'tensorflow'"),
    (lambda: Cpab([2], device="gpu"), ValueError, "device is 'gpu'"),
    (lambda: Cpab([2], basis="cholesky"), ValueError, "basis is 'cholesky'"),
    (lambda: Cpab([2], 3), TypeError, "the argument 3"),
    (lambda: Cpab([2], True, zero_boundary=True), TypeError, "zero_boundary twice"),
    (lambda: Cpab([2], zero_boundary="no"), TypeError, "zero_boundary is 'no'"),
    (lambda: CpabSequential(), ValueError, "no transform"),
    (lambda: CpabSequential(T, Cpab([2])), ValueError, "transform 2 has 1 dimensions"),
    (
        lambda: CpabSequential(Cpab(5), Cpab([5])),
        ValueError,
        "transform 2 has a list for tess_size, the first an int",
    ),
    (lambda: CpabSequential(T, 3), TypeError, "transform 2"),
    (
        lambda: CpabSequential(T, T).transform_grid(GRID, [THETA]),
        ValueError,
        "thetas has 1",
    ),
    # theta of another tessellation.
    (
        lambda: T.transform_grid(GRID, np.zeros((2, D + 1))),
        ValueError,
        f"use \\[batch, {D}\\]",
    ),
    (
        lambda: T.transform_grid(GRID, np.zeros((1, 2, D))),
        ValueError,
        "theta has shape",
    ),
    (lambda: T.transform_grid(GRID, np.zeros(())), ValueError, "theta has shape"),
    (
        lambda: T.transform_grid(GRID, THETA.astype(complex)),
        TypeError,
        "theta has dtype complex",
    ),
    (
        lambda: T.transform_grid(GRID, THETA.astype(bool)),
        TypeError,
        "theta has dtype bool",
    ),
    (lambda: T.transform_grid(GRID, None), TypeError, "theta has dtype object"),
    (lambda: T.transform_grid(GRID.astype(np.float16), THETA), TypeError, "float16"),
    (
        lambda: T.transform_grid(GRID.T, THETA),
        ValueError,
        "the grid has shape \\[5, 2\\]",
    ),
    (lambda: T.transform_grid(GRID[0], THETA), ValueError, "the grid has shape"),
    (
        lambda: T.transform_grid(np.zeros((3, 2, 5)), THETA),
        ValueError,
        "batch sizes differ",
    ),
    (lambda: T.transform_grid("ab", THETA), TypeError, "the grid has dtype"),
    (lambda: T.transform_grid(GRID, THETA, time="long"), TypeError, "time is 'long'"),
    (
        lambda: T.transform_grid(GRID, THETA, time=np.nan),
        ValueError,
        "time is nan; use a finite number$",
    ),
    # What float() would parse, and `*` repeat.
    (
        lambda: T.transform_grid_ss(GRID, THETA, time="2", N=1),
        TypeError,
        "time is '2'",
    ),
    (
        lambda: T.transform_data_ss(IMAGE, THETA, time=b"2", N=1),
        TypeError,
        "time is b'2'",
    ),
    (lambda: T.gradient_grid(GRID, THETA, time="2"), TypeError, "time is '2'"),
    (
        lambda: T.fit_keypoints(PAIRS, PAIRS, tension="8"),
        TypeError,
        "tension is '8'",
    ),
    (lambda: T.jacobian(GRID, THETA[:, 1:]), ValueError, "theta has shape"),
    (lambda: T.log_det(GRID[:1], THETA), ValueError, "the grid has shape"),
    (lambda: T.calc_vectorfield(GRID, THETA[:, 1:]), ValueError, "theta has shape"),
    (lambda: T.transform_grid_chain(GRID, np.zeros((0, D))), ValueError, "theta_chain"),
    (lambda: T.transform_grid_chain(GRID, THETA[0]), ValueError, "theta_chain"),
    (lambda: T.uniform_meshgrid([3]), ValueError, "n_points has 1 elements; use 2"),
    (lambda: T.uniform_meshgrid([3, 0]), ValueError, "n_points has the element 0"),
    (lambda: T.uniform_meshgrid(3.5), TypeError, "n_points"),
    (lambda: T.identity(-1), ValueError, "n_sample is -1"),
    (lambda: T.identity(1, epsilon=-1), ValueError, "epsilon is -1"),
    (lambda: T.sample_transformation(1.5), TypeError, "n_sample is 1.5"),
    (lambda: T.sample_transformation(1, seed=-1), ValueError, "seed is -1"),
    (lambda: T.sample_transformation(1, seed="x"), TypeError, "seed is 'x'"),
    (
        lambda: T.sample_transformation(1, mean=np.zeros(3)),
        ValueError,
        "mean has shape",
    ),
    (lambda: T.sample_transformation(1, cov=np.eye(3)), ValueError, "cov has shape"),
    (
        lambda: T.sample_transformation(1, cov=-np.eye(D)),
        ValueError,
        "cov has the eigenvalue",
    ),
    (lambda: T.sample_transformation(1, cov=np.tri(D)), ValueError, "not symmetric"),
    (
        lambda: T.sample_transformation(1, cov=np.full((D, D), np.nan)),
        ValueError,
        "cov has an element that is not finite",
    ),
    (
        lambda: T.sample_transformation_with_prior(1, length_scale=0),
        ValueError,
        "length_scale",
    ),
    (lambda: T.sample_smooth(1, speed=0), ValueError, "prior.speed is 0"),
    (
        lambda: Cpab([6, 6], zero_boundary=False, sparse_basis=True).sample_smooth(
            1, length_scale=1e4
        ),
        ValueError,
        "prior.length_scale is 10000",
    ),
    (lambda: T.sample_smooth(1, seed=2**64), ValueError, "seed is"),
    (lambda: T.theta_from_vertices(GRID), ValueError, "velocities has shape"),
    (lambda: T.theta_from_cells(np.zeros(7)), ValueError, "cells has shape"),
    (lambda: T.theta_from_cells(np.arange(144.0)), ValueError, "no field of"),
    (
        lambda: T.theta_from_cells(np.full(144, np.nan)),
        ValueError,
        "the cells have an element that is not finite",
    ),
    (
        lambda: T.theta_from_basis(THETA, np.zeros((144, D + 1))),
        ValueError,
        "theta has shape",
    ),
    (
        lambda: T.theta_from_basis(THETA, np.zeros((150, D))),
        ValueError,
        r"basis has shape \[150, [0-9]+\]; use \[144, d\]",
    ),
    (lambda: T.interpolate(IMAGE, GRID, [5]), ValueError, "outsize has 1 elements"),
    (lambda: T.interpolate(IMAGE, GRID, [2, 2]), ValueError, "5 points"),
    (lambda: T.interpolate(IMAGE[0], GRID, [5, 1]), ValueError, "data has shape"),
    (lambda: T.interpolate(IMAGE[:, :0], GRID, [5, 1]), ValueError, "no samples"),
    (
        lambda: T.interpolate(IMAGE, GRID, [5, 1], outside="wrap"),
        ValueError,
        "outside is 'wrap'",
    ),
    (
        lambda: T.interpolate(IMAGE, GRID, [5, 1], lengths=[4, 4]),
        ValueError,
        "of one axis",
    ),
    (
        lambda: T.transform_data(IMAGE, np.zeros((3, D))),
        ValueError,
        "batch sizes differ",
    ),
    (lambda: T.warp_images(IMAGE[0], THETA), ValueError, "images has shape"),
    (lambda: T.warp_signals(IMAGE, THETA), ValueError, "1 dimensions"),
    (
        lambda: Cpab([4]).warp_signals(np.zeros((2, 1, 6)), np.zeros(3), [7, 6]),
        ValueError,
        "lengths",
    ),
    (
        lambda: Cpab([4]).warp_signals(np.zeros((2, 1, 6)), np.zeros(3), [0, 6]),
        ValueError,
        "lengths",
    ),
    (
        lambda: Cpab([4]).warp_signals(np.zeros((2, 1, 6)), np.zeros(3), [6]),
        ValueError,
        "lengths",
    ),
    (
        lambda: Cpab([4]).warp_signals(np.zeros((2, 1, 6)), np.zeros(3), [1.5, 2]),
        TypeError,
        "lengths",
    ),
    (lambda: T.fit_keypoints(PAIRS, PAIRS[:, :, :2]), ValueError, "source has shape"),
    (
        lambda: T.fit_keypoints(PAIRS.transpose(0, 2, 1), PAIRS.transpose(0, 2, 1)),
        ValueError,
        "source",
    ),
    (
        lambda: T.fit_keypoints(PAIRS, PAIRS, np.ones((2, 4))),
        ValueError,
        "weights has shape",
    ),
    (
        lambda: T.fit_keypoints(PAIRS, PAIRS, -np.ones(3)),
        ValueError,
        "weights has an element",
    ),
    (lambda: T.fit_keypoints(PAIRS, PAIRS, tension=0), ValueError, "fit.tension is 0"),
    (
        lambda: T.fit_keypoints(PAIRS, PAIRS, max_iterations=0),
        ValueError,
        "max_iterations is 0",
    ),
    (lambda: T.fit_keypoints(PAIRS, PAIRS, noise=np.inf), ValueError, "noise is inf"),
    (
        lambda: T.fit_keypoints(PAIRS, PAIRS).pullback(np.zeros((1, D))),
        ValueError,
        "dl_dtheta",
    ),
    (
        lambda: T.fit_keypoints(PAIRS, PAIRS, num_stages=65),
        ValueError,
        "number of stages is 65; use 1 to 64",
    ),
    (lambda: T.fit_keypoints(PAIRS, PAIRS, num_stages=0), ValueError, "num_stages is 0"),
    (lambda: Cpab([3]).fit_keypoints(PAIRS, PAIRS), ValueError, r"use \[1, points\]"),
    (
        lambda: Cpab([3]).fit_keypoints([[0.5]], [[0.5]], noise=0),
        ValueError,
        "fit.noise is 0",
    ),
    (lambda: T.register(IMAGE, IMAGE), ValueError, "as many cells"),
    (lambda: Cpab([3]).register(IMAGE, IMAGE), ValueError, "2 or 3 dimensions"),
    (lambda: S.register(IMAGE, IMAGE), ValueError, "moving has shape"),
    (lambda: S.register(VOLUME[:1], VOLUME), ValueError, "8x8x1 voxels"),
    (lambda: S.register(VOLUME.astype(int), VOLUME), TypeError, "moving has dtype"),
    (lambda: S.register(VOLUME, VOLUME * np.nan), ValueError, "not a finite number"),
    (lambda: S.register(VOLUME, VOLUME, similarity="mse"), ValueError, "similarity is"),
    (lambda: S.register(VOLUME, VOLUME, window_radius=0), ValueError, "window_radius"),
    (lambda: S.register(VOLUME, VOLUME, num_stages=17), ValueError, "1 to 16"),
    (lambda: S.register(VOLUME, VOLUME, largest_side=7), ValueError, "at least 8"),
    (lambda: S.warp_volumes(VOLUME, np.zeros(1)), ValueError, "volumes has shape"),
    (lambda: T.warp_volumes(VOLUME, THETA), ValueError, "3 dimensions"),
    (
        lambda: Cpab([2, 2]).register(
            np.zeros((9, 9)), np.zeros((9, 9)), similarity="local_correlation"
        ),
        ValueError,
        "is for volumes",
    ),
    (
        lambda: Cpab([2, 2]).register(
            np.zeros((9, 9)), np.zeros((9, 9)), num_stages=17
        ),
        ValueError,
        "num_stages is 17; use 1 to 16",
    ),
    (lambda: T.transform_grid_chain(GRID, np.zeros((2, D + 1))), ValueError, "theta_chain"),
    (
        lambda: T.transform_grid_chain(GRID, np.zeros((2, D), int).astype(bool)),
        TypeError,
        "theta_chain has dtype",
    ),
    (lambda: Cpab([2, 2]).register(IMAGE, IMAGE), ValueError, "moving has shape"),
    (
        lambda: Cpab([2, 2]).register(np.zeros((1, 9)), np.zeros((9, 9))),
        ValueError,
        "2x2",
    ),
    (
        lambda: Cpab([2, 2]).register(np.zeros((9, 9), int), np.zeros((9, 9))),
        TypeError,
        "moving has dtype",
    ),
    (
        lambda: Cpab([2, 2]).register(np.full((9, 9), np.nan), np.zeros((9, 9))),
        ValueError,
        "finite",
    ),
    (
        lambda: Cpab([2, 2]).register(np.zeros((9, 9)), np.zeros((9, 9)), noise=0),
        ValueError,
        "noise is 0",
    ),
    (lambda: pycpab.set_num_threads(0), ValueError, "num_threads is 0"),
    # Beyond what the extension's integers have.
    (
        lambda: pycpab.set_num_threads(num_threads=2**70),
        ValueError,
        "num_threads is .* at most 1024",
    ),
    (lambda: Cpab([2**40, 2]), ValueError, "tess_size has the element"),
    (lambda: T.sample_smooth(2**70), ValueError, "n_sample is"),
    (
        lambda: T.fit_keypoints(PAIRS, PAIRS, max_iterations=2**40),
        ValueError,
        "max_iterations is",
    ),
    (
        lambda: T.fit_keypoints(PAIRS, PAIRS, num_stages=2**40),
        ValueError,
        "num_stages is",
    ),
    (lambda: T.fit_keypoints(PAIRS, PAIRS, noise=10**400), ValueError, "noise is"),
    (lambda: T.transform_grid_ss(GRID, THETA, N=2000), ValueError, "N is 2000"),
    (lambda: T.transform_data_ss(IMAGE, THETA, N=2000), ValueError, "N is 2000"),
    *(
        (
            lambda squared=squared: squared(time=-10, N=1023),
            ValueError,
            "time is -10 and N is 1023; use a finite time",
        )
        for squared in (
            lambda **flow: T.transform_grid_ss(GRID, THETA, **flow),
            lambda **flow: T.transform_data_ss(IMAGE, THETA, **flow),
        )
    ),
    (lambda: T.transform_grid(GRID, THETA, time=np.ones(2)), TypeError, "time is"),
    # Where rounding leaves nothing of the prior, dense and sparse.
    *(
        (
            lambda space=space, prior=prior: space.sample_smooth(1, **prior),
            ValueError,
            "is singular to rounding",
        )
        for space, prior in (
            (T, dict(speed=1e200)),
            (FINE, dict(speed=1e200)),
            (FINE, dict(length_scale=1e-200)),
            (FINE, dict(length_scale=1e4)),
            (FINE, dict(length_scale=1e6)),
        )
    ),
    # The extension itself, past the package's own checks.
    (
        lambda: T._space.transform(THETA, GRID),
        ValueError,
        "points has shape \\[2, 5\\]; use \\[2, 2, any\\]",
    ),
    (
        lambda: T._space.transform(THETA, np.zeros((2, 2, 5), int)),
        TypeError,
        "points has dtype int64",
    ),
    (
        lambda: T._space.pullback(THETA, np.zeros((2, 2, 5)), np.zeros((2, 2, 4))),
        ValueError,
        "the gradient",
    ),
    (
        lambda: T._space.pullback(
            THETA, np.zeros((2, 2, 5)), np.zeros((2, 2, 5), "f4")
        ),
        TypeError,
        "float64",
    ),
    (
        lambda: _core.interpolate(np.zeros((2, 1)), GRID, None, False),
        ValueError,
        "data has shape",
    ),
    (
        lambda: _core.interpolate(
            np.zeros((1, 1, 3)), np.zeros((1, 1, 3), "f4"), None, False
        ),
        TypeError,
        "points",
    ),
    (lambda: _core.Space([], True, False), ValueError, "0 axes"),
    (lambda: _core.Prior(T._space, 1, 1, 1).sample(-1, 0), ValueError, "negative"),
]


BAD_TENSORS = [
    (
        lambda: T.jacobian(torch.zeros(2, 5).half(), torch.zeros(2, D)),
        TypeError,
        "^the grid has dtype",
    ),
    (
        lambda: T.transform_grid_chain(
            torch.zeros(2, 5), [torch.zeros(1, D), torch.zeros(2, D)]
        ),
        ValueError,
        "^theta_chain has elements of different shapes",
    ),
    (
        lambda: T.transform_grid(torch.zeros(2, 5), torch.zeros(2, D + 1)),
        ValueError,
        "theta has shape",
    ),
    (
        lambda: T.transform_grid(torch.zeros(2, 5).half(), torch.zeros(2, D)),
        TypeError,
        "float16",
    ),
    (
        lambda: T.transform_grid(torch.zeros(2, 5).to_sparse(), torch.zeros(2, D)),
        TypeError,
        "layout",
    ),
    (
        lambda: T.transform_grid(torch.zeros(2, 5, device="meta"), torch.zeros(2, D)),
        ValueError,
        "on meta",
    ),
    (
        lambda: T.transform_grid(
            torch.zeros(2, 5, dtype=torch.bool), torch.zeros(2, D)
        ),
        TypeError,
        "bool",
    ),
]


class ArgumentsTest(unittest.TestCase):
    def test_bad_arguments_raise(self):
        for i, (call, error, text) in enumerate(BAD + BAD_TENSORS):
            with self.subTest(number=i, text=text):
                with self.assertRaisesRegex(error, text):
                    call()

    def test_a_misaligned_array_is_refused_by_the_extension(self):
        raw = np.zeros(2 * 2 * 5 * 8 + 1, np.uint8)
        odd = raw[1:].view(np.float64).reshape(2, 2, 5)
        with self.assertRaisesRegex(ValueError, "not aligned"):
            T._space.transform(THETA, odd)

    def test_arrays_of_any_byte_order_count_as_native_ones(self):
        square, box = Cpab([2, 2]), Cpab([2, 2, 2])
        random = np.random.default_rng(1)
        pixels = random.integers(0, 255, (9, 9)).astype(np.float32)
        voxels = random.uniform(size=(8, 8, 8)).astype(np.float32)
        for dtype in ("f4", "f8", "u2"):
            for transform, values in ((square, pixels / 255), (box, voxels)):
                native = (values * (65535 if dtype == "u2" else 1)).astype(dtype)
                np.testing.assert_array_equal(
                    transform.register(
                        native.astype(f">{dtype}"), native, max_iterations=1
                    ).theta,
                    transform.register(native, native, max_iterations=1).theta,
                )
        zero = np.zeros(D)
        np.testing.assert_array_equal(
            T.transform_grid(GRID.astype(">f8"), zero), T.transform_grid(GRID, zero)
        )

    def test_none_of_a_batch_is_none(self):
        self.assertEqual(
            T.theta_from_vertices(np.zeros((0, *T.vertices().shape))).shape, (0, D)
        )

    def test_integers_count_as_numbers(self):
        moved = T.transform_grid(np.array([[0, 1], [1, 0]]), np.zeros((1, D), int))
        np.testing.assert_array_equal(moved[0], [[0, 1], [1, 0]])
        np.testing.assert_array_equal(
            T.transform_grid([[0.5], [0.25]], [0.0] * D)[0], [[0.5], [0.25]]
        )

    def test_copies_and_pickles_are_the_same_transform(self):
        theta = T.sample_transformation(2, seed=1)
        expected = T.transform_grid(GRID, theta)
        for other in (copy.deepcopy(T), pickle.loads(pickle.dumps(T))):
            np.testing.assert_array_equal(other.transform_grid(GRID, theta), expected)
            self.assertEqual(repr(other), repr(T))


if __name__ == "__main__":
    unittest.main()
