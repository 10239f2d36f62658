"""A studio of one's own: started on a free port, with an empty data folder."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

PROGRAM = pathlib.Path("tools/studio/studio")
START_SECONDS = 60
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/#([A-Za-z0-9_-]+)")


class Studio:
    """Runs the program until close(). `address` is what it printed.

    root: the folder of training runs.
    """

    def __init__(self, root=None):
        self.folder = tempfile.mkdtemp(prefix="studio_browser_")
        self.root = root or os.path.join(self.folder, "runs")
        self.port = 0
        self.log = os.path.join(self.folder, "log")
        self.start()

    def start(self):
        """The port stays the same after a stop()."""
        os.makedirs(self.root, exist_ok=True)
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [
                    PROGRAM.resolve(),
                    f"--port={self.port}",
                    f"--data={self.folder}/data",
                    f"--root={self.root}",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.address = self._wait_for_address()
        self.port = int(ADDRESS.search(self.address).group(1))

    def _wait_for_address(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = ADDRESS.search(self.text())
            if found:
                return found.group(0)
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"studio did not start:\n{self.text()}")

    def text(self):
        """What it printed."""
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    @property
    def page(self):
        """The address without the token."""
        return urllib.parse.urldefrag(self.address)[0]

    def request(self, method, path):
        """JSON of the API's answer, None where it is empty."""
        token = urllib.parse.urldefrag(self.address)[1]
        request = urllib.request.Request(
            f"{self.page}api/v1/{path}",
            method=method,
            headers={"Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or "null")

    def clear(self):
        """Deletes all jobs and uploads."""
        for job in self.request("GET", "jobs"):
            self.request("POST", f"jobs/{job['id']}/cancel")
            while self.request("GET", f"jobs/{job['id']}")["state"] == "running":
                time.sleep(0.05)
            self.request("DELETE", f"jobs/{job['id']}")
        for upload in self.request("GET", "uploads"):
            self.delete_upload(upload["id"])

    def delete_upload(self, upload_id):
        """Waits for previews that a page has asked for and that still use it."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return self.request("DELETE", f"uploads/{upload_id}")
            except urllib.error.HTTPError as error:
                if error.code != 409 or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)

    def close(self):
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
