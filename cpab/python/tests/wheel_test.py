"""The wheel holds all that the package needs beside NumPy."""

import base64
import hashlib
import importlib.util
import io
import os
import pathlib
import subprocess
import sys
import unittest
import zipfile
from contextlib import redirect_stdout
from unittest import mock

import numpy


def wheel_program():
    runfiles = pathlib.Path(os.environ["TEST_SRCDIR"]) / os.environ["TEST_WORKSPACE"]
    specification = importlib.util.spec_from_file_location(
        "wheel", runfiles / "cpab/python/wheel.py"
    )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class WheelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(os.environ["TEST_TMPDIR"])
        cls.path = wheel_program().write(cls.folder / "made here")
        cls.unpacked = cls.folder / "unpacked"
        with zipfile.ZipFile(cls.path) as archive:
            archive.extractall(cls.unpacked)

    def test_its_name_says_which_python(self):
        version = f"cp{sys.version_info.major}{sys.version_info.minor}"
        self.assertRegex(
            self.path.name, rf"^pycpab-[\d.]+-{version}-{version}-linux_\w+\.whl$"
        )

    def test_it_names_the_numpy_that_it_works_with(self):
        (metadata,) = self.unpacked.glob("*.dist-info/METADATA")
        major = int(numpy.__version__.split(".")[0])
        wanted = ">=1.21" if major >= 2 else ">=1.21, <2"
        self.assertIn(f"Requires-Dist: numpy {wanted}\n", metadata.read_text())

    def test_its_record_is_true(self):
        (record,) = self.unpacked.glob("*.dist-info/RECORD")
        lines = [line.split(",") for line in record.read_text().splitlines()]
        for name, digest, size in lines:
            if name.endswith("RECORD"):
                continue
            content = (self.unpacked / name).read_bytes()
            expected = base64.urlsafe_b64encode(
                hashlib.sha256(content).digest()
            ).rstrip(b"=")
            self.assertEqual(
                (digest, int(size)), (f"sha256={expected.decode()}", len(content))
            )
        files = [p for p in self.unpacked.rglob("*") if p.is_file()]
        self.assertEqual(len(files), len(lines))

    def test_its_extension_finds_its_own_libraries(self):
        listing = subprocess.run(
            ["ldd", self.unpacked / "pycpab/_core.so"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        self.assertNotIn("not found", listing)
        abseil = [line for line in listing.splitlines() if "libabsl_" in line]
        self.assertTrue(abseil)
        for line in abseil:
            self.assertIn(str(self.unpacked), line)

    def test_it_says_how_to_install_it(self):
        said = io.StringIO()
        arguments = ["wheel", str(self.folder / "said here")]
        with mock.patch.object(sys, "argv", arguments), redirect_stdout(said):
            self.assertEqual(wheel_program().main(), 0)
        # Not by pip alone, which Debian's Python refuses.
        self.assertIn("-m venv --system-site-packages ENV\n", said.getvalue())
        self.assertIn(
            f"ENV/bin/pip install '{self.folder}/said here/pycpab", said.getvalue()
        )

    def test_it_works_where_it_is_unpacked(self):
        program = (
            "import pycpab, pathlib; T = pycpab.Cpab([3, 3]); "
            "print(pathlib.Path(pycpab.__file__).parent); "
            "print(T.transform_grid(T.uniform_meshgrid([4, 4]), T.identity(1)).shape)"
        )
        environment = {"PYTHONPATH": str(self.unpacked), "PATH": os.environ["PATH"]}
        output = subprocess.run(
            [sys.executable, "-B", "-c", program],
            check=True,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=environment,
        ).stdout.splitlines()
        self.assertEqual(output, [str(self.unpacked / "pycpab"), "(1, 2, 16)"])


if __name__ == "__main__":
    unittest.main()
