"""Writes the wheel of pycpab for this system's Python.

    tools/bazelw run //cpab/python:wheel -- FOLDER

The wheel holds the package and the shared libraries of Abseil that it is linked with, so
that it needs NumPy alone. `Cpab.register` also needs the system's OpenCV.
"""

import base64
import hashlib
import os
import pathlib
import shlex
import subprocess
import sys
import sysconfig
import zipfile

# Bundled if an extension is linked with them.
_BUNDLED = ("libabsl_",)

_METADATA = """Metadata-Version: 2.1
Name: pycpab
Version: {version}
Summary: Smooth invertible transforms of signals, images and volumes: CPAB, exact
Requires-Python: >=3.9
Requires-Dist: numpy {numpy}
"""

_WHEEL = """Wheel-Version: 1.0
Generator: pycpab
Root-Is-Purelib: false
Tag: {tag}
"""


def tag():
    """The wheel's tag: this Python, this machine."""
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return f"{python}-{python}-{platform}"


def bundled_libraries(extensions):
    """{file name: path} of the shared libraries that go into the wheel."""
    libraries = {}
    for extension in extensions:
        listing = subprocess.run(
            ["ldd", str(extension)], check=True, capture_output=True, text=True
        ).stdout
        for line in listing.splitlines():
            words = line.split()
            if len(words) >= 3 and words[1] == "=>" and words[0].startswith(_BUNDLED):
                libraries[words[0]] = pathlib.Path(words[2])
    return libraries


def package_files():
    """{path in the wheel: file} of the package."""
    folder = pathlib.Path(__file__).parent / "pycpab"
    files = {
        f"pycpab/{path.name}": path.resolve()
        for path in folder.iterdir()
        if path.suffix in (".py", ".pyi", ".so", ".typed")
    }
    extensions = [path for name, path in files.items() if name.endswith(".so")]
    for name, path in bundled_libraries(extensions).items():
        files[f"pycpab/{name}"] = path
    return files


def numpy_versions():
    """The NumPy that the extensions work with.

    pybind11 knows NumPy 2 from 2.12 on. Debian has that one from the release on whose
    NumPy is 2 itself.
    """
    import numpy

    return ">=1.21" if int(numpy.__version__.split(".")[0]) >= 2 else ">=1.21, <2"


def version():
    namespace = {}
    path = pathlib.Path(__file__).parent / "pycpab" / "_version.py"
    exec(path.read_text(), namespace)
    return namespace["__version__"]


def contents():
    """{path in the wheel: bytes}, with RECORD last."""
    info = f"pycpab-{version()}.dist-info"
    result = {name: path.read_bytes() for name, path in sorted(package_files().items())}
    result[f"{info}/METADATA"] = _METADATA.format(
        version=version(), numpy=numpy_versions()
    ).encode()
    result[f"{info}/WHEEL"] = _WHEEL.format(tag=tag()).encode()
    lines = []
    for name, content in result.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
        lines.append(f"{name},sha256={digest.decode()},{len(content)}")
    lines.append(f"{info}/RECORD,,")
    result[f"{info}/RECORD"] = ("\n".join(lines) + "\n").encode()
    return result


def write(folder):
    """Writes the wheel into the folder, by a temporary; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"pycpab-{version()}-{tag()}.whl"
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents().items():
            # The same bytes at any time.
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if ".so" in name else 0o644) << 16
            archive.writestr(entry, content)
    os.replace(partial, path)
    return path


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 0 if sys.argv[1:] == ["--help"] else 2
    # Relative to where the user stands.
    stands = os.environ.get(
        "CPAB_USER_DIRECTORY", os.environ.get("BUILD_WORKING_DIRECTORY", ".")
    )
    try:
        path = write(pathlib.Path(stands) / sys.argv[1])
    except OSError as error:
        print(f"wheel: {error}", file=sys.stderr)
        return 1
    print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    print("Install it, in an environment ENV (Debian: apt install python3-venv), with:")
    print("    /usr/bin/python3 -m venv --system-site-packages ENV")
    print(f"    ENV/bin/pip install {shlex.quote(str(path))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
