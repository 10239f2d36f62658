"""A Studio server in a process of its own, and requests to it."""

import http.client
import json
import os
import re
import signal
import subprocess
import time

STUDIO = 'tools/studio/studio'
STARTS_IN_SECONDS = 60


class Studio:
  """Runs the program with the data folder `data` until stop() or kill()."""

  def __init__(self, data, flags=(), wrapper=()):
    self.log = open(data + '.log', 'ab')
    start = self.log.tell()
    self.process = subprocess.Popen(
        [*wrapper, STUDIO, '--port', '0', '--data', data, '--root',
         data + '.runs', '--device', 'cpu', *flags],
        stdout=self.log, stderr=subprocess.STDOUT)
    self.port, self.token = self._wait_for_address(data + '.log', start)

  def _wait_for_address(self, path, start):
    end = time.monotonic() + STARTS_IN_SECONDS
    while time.monotonic() < end:
      with open(path, encoding='utf-8', errors='replace') as log:
        log.seek(start)
        text = log.read()
      found = re.search(r'http://127\.0\.0\.1:(\d+)/#(\S+)', text)
      if found:
        return int(found[1]), found[2]
      if self.process.poll() is not None:
        break
      time.sleep(0.02)
    raise RuntimeError('studio did not start: ' + text)

  def ask(self, method, path, body=None, headers=(), timeout=60):
    """(status, headers, bytes) of one request to the API."""
    connection = http.client.HTTPConnection('127.0.0.1', self.port,
                                            timeout=timeout)
    try:
      sent = {'Authorization': 'Bearer ' + self.token, **dict(headers)}
      if isinstance(body, (dict, list)):
        body = json.dumps(body)
        sent['Content-Type'] = 'application/json'
      connection.request(method, '/api/v1' + path, body, sent)
      answer = connection.getresponse()
      return answer.status, answer.headers, answer.read()
    finally:
      connection.close()

  def json(self, method, path, body=None, **options):
    """(status, parsed answer)."""
    status, _, answer = self.ask(method, path, body, **options)
    return status, json.loads(answer) if answer else None

  @property
  def server_id(self):
    """The process of the server itself, below a wrapper such as strace."""
    children = f'/proc/{self.process.pid}/task/{self.process.pid}/children'
    with open(f'/proc/{self.process.pid}/comm', encoding='ascii') as name:
      if name.read().strip() == 'studio':
        return self.process.pid
    with open(children, encoding='ascii') as file:
      return int(file.read().split()[0])

  def peak_memory(self):
    """The most bytes of memory that the server has had (VmHWM)."""
    with open(f'/proc/{self.server_id}/status', encoding='ascii') as status:
      return int(re.search(r'VmHWM:\s+(\d+) kB', status.read())[1]) * 1000

  def kill(self):
    os.kill(self.server_id, signal.SIGKILL)
    self.process.wait()

  def stop(self):
    """Ends it as Ctrl-C does; the exit code."""
    os.kill(self.server_id, signal.SIGINT)
    return self.process.wait(timeout=60)
