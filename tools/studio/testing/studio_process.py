"""A Studio server in a process of its own, and requests to it."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAM = "tools/studio/studio"
STARTS_IN_SECONDS = 60
ENDS_IN_SECONDS = 60
DELETES_IN_SECONDS = 30
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/#(\S+)")


class Studio:
    """Runs the program, on the processor, until stop(), kill() or close().

    data: its folder of uploads and jobs; without one a new folder, which
    close() removes. runs: the folder of training runs; without one an empty
    folder. wrapper: words in front of the program, such as those of strace.
    """

    def __init__(self, data=None, flags=(), wrapper=(), runs=None):
        self.folder = None if data else tempfile.mkdtemp(prefix="studio_")
        self.data = data or os.path.join(self.folder, "data")
        self.runs = runs or self.data + ".runs"
        self.flags, self.wrapper = flags, wrapper
        self.port = 0
        self.start()

    def start(self):
        """The port stays the same after a stop()."""
        os.makedirs(self.runs, exist_ok=True)
        with open(self.data + ".log", "ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen(
                [
                    *self.wrapper,
                    PROGRAM,
                    f"--port={self.port}",
                    f"--data={self.data}",
                    f"--root={self.runs}",
                    "--device=cpu",
                    *self.flags,
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.address = self._wait_for_address()
        port, self.token = ADDRESS.match(self.address).groups()
        self.port = int(port)

    def _wait_for_address(self):
        end = time.monotonic() + STARTS_IN_SECONDS
        while time.monotonic() < end:
            found = ADDRESS.search(self.text())
            if found:
                return found.group(0)
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("studio did not start:\n" + self.text())

    def text(self):
        """What it has printed since it was started."""
        with open(self.data + ".log", encoding="utf-8", errors="replace") as log:
            log.seek(self.log_start)
            return log.read()

    @property
    def page(self):
        """The address without the token."""
        return f"http://127.0.0.1:{self.port}/"

    def ask(self, method, path, body=None, headers=(), timeout=60):
        """(status, headers, bytes) of one request to the API."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=timeout
        )
        try:
            sent = {"Authorization": "Bearer " + self.token, **dict(headers)}
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
                sent["Content-Type"] = "application/json"
            connection.request(method, "/api/v1" + path, body, sent)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def json(self, method, path, body=None, **options):
        """(status, parsed answer), None where the answer is empty."""
        status, _, answer = self.ask(method, path, body, **options)
        return status, json.loads(answer) if answer else None

    def clear(self, kept_jobs=()):
        """Deletes all uploads, and all jobs but those of these ids."""
        for job in self.json("GET", "/jobs")[1]:
            if job["id"] in kept_jobs:
                continue
            path = "/jobs/" + job["id"]
            self.ask("POST", path + "/cancel")
            while self.json("GET", path)[1]["state"] == "running":
                time.sleep(0.05)
            self._delete(path)
        for upload in self.json("GET", "/uploads")[1]:
            self._delete("/uploads/" + upload["id"])

    def _delete(self, path):
        # A page may still read a result of it.
        end = time.monotonic() + DELETES_IN_SECONDS
        while True:
            status, _, answer = self.ask("DELETE", path)
            if status == 204:
                return
            if status != 409 or time.monotonic() > end:
                raise RuntimeError(f"DELETE {path}: {status} {answer}")
            time.sleep(0.05)

    @property
    def server_id(self):
        """The process of the server itself, below the wrapper."""
        process = f"/proc/{self.process.pid}"
        with open(process + "/comm", encoding="ascii") as name:
            if name.read().strip() == "studio":
                return self.process.pid
        children = f"{process}/task/{self.process.pid}/children"
        with open(children, encoding="ascii") as file:
            return int(file.read().split()[0])

    def peak_memory(self):
        """The most bytes of memory that the server has had (VmHWM)."""
        path = f"/proc/{self.server_id}/status"
        with open(path, encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) * 1000

    def kill(self):
        os.kill(self.server_id, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends it as Ctrl-C does; the exit code."""
        os.kill(self.server_id, signal.SIGINT)
        return self.process.wait(timeout=ENDS_IN_SECONDS)

    def close(self):
        if self.process.poll() is None:
            self.stop()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
