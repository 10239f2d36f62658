"""Threads of the library and of Python, and processes."""

import os
import sys
import threading
import time
import unittest

import numpy as np

import pycpab
from pycpab import Cpab

T = Cpab([4, 4])
THETA = T.sample_smooth(3, seed=1)
GRID = T.uniform_meshgrid([120, 120])


class ThreadsTest(unittest.TestCase):
    def tearDown(self):
        pycpab.set_num_threads(len(os.sched_getaffinity(0)))

    def test_their_number_does_not_change_results(self):
        results = []
        for number in (1, 2, 5):
            pycpab.set_num_threads(number)
            self.assertEqual(pycpab.get_num_threads(), number)
            moved = T.transform_grid(GRID, THETA)
            gradients = T._space.pullback(
                THETA, np.broadcast_to(GRID, moved.shape), moved
            )
            results.append((moved, *gradients))
        for other in results[1:]:
            for a, b in zip(results[0], other):
                np.testing.assert_array_equal(a, b)

    def test_calls_from_many_threads_at_once(self):
        pycpab.set_num_threads(3)
        expected = T.transform_grid(GRID, THETA)
        wrong = []

        def work():
            for _ in range(5):
                if not np.array_equal(T.transform_grid(GRID, THETA), expected):
                    wrong.append(True)

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for i in range(5):
            pycpab.set_num_threads(2 + i % 2)
        for worker in workers:
            worker.join()
        self.assertEqual(wrong, [])

    def test_the_interpreter_runs_on_meanwhile(self):
        pycpab.set_num_threads(1)
        grid = np.tile(GRID, 20)
        fine = Cpab([16, 16])
        space, prior = fine._space, fine._prior(0.3, 1, 0.3)
        theta = prior.sample(200, 1)
        cells = space.cells_from_theta(theta)
        velocities = fine.calc_velocity(fine.vertices(), theta)
        rows = velocities.transpose(0, 2, 1).reshape(200, -1)
        for name, call in (
            ("transform", lambda: T.transform_grid(grid, THETA)),
            ("cells_from_theta", lambda: space.cells_from_theta(theta)),
            ("theta_from_cells", lambda: space.theta_from_cells(cells)),
            ("theta_from_vertices", lambda: space.theta_from_vertices(rows)),
            ("sample", lambda: prior.sample(200, 1)),
            ("log_density", lambda: prior.log_density(theta)),
            ("energy", lambda: prior.energy(theta)),
        ):
            with self.subTest(name):
                self.assertGreater(self.turns_during(call), 0)

    # How often a thread that counts gets a turn while a call computes: never, where the
    # call keeps the lock, as no other thread may ask for it to be given up.
    def turns_during(self, call):
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(1000)
        counter, stop = [0], threading.Event()

        def count():
            while not stop.is_set():
                counter[0] += 1
                time.sleep(0)

        worker = threading.Thread(target=count)
        worker.start()
        before = counter[0]
        call()
        turns = counter[0] - before
        stop.set()
        worker.join()
        return turns

    # As a DataLoader's workers: the pool's threads do not survive fork().
    def test_a_forked_process_computes(self):
        pycpab.set_num_threads(3)
        expected = T.transform_grid(GRID, THETA)
        child = os.fork()
        if child == 0:
            equal = np.array_equal(T.transform_grid(GRID, THETA), expected)
            os._exit(0 if equal and pycpab.get_num_threads() == 3 else 1)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            time.sleep(0.01)
        else:
            os.kill(child, 9)
            os.waitpid(child, 0)
            self.fail("the child process hangs")
        self.assertEqual(status, 0)


if __name__ == "__main__":
    unittest.main()
