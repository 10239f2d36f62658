"""Sends requests that no honest client sends, and checks what the server does.

  tools/bazelw run //tools/studio/trials:hostile_requests -- --requests 10000

Each request must be refused (4xx, 503, 505, 507, or the end of the connection); no
answer may hold a file from outside, and, by strace, the server may open no
other file and no socket; its memory stays below 300 MB, its quota is held, and
nothing of an upload that failed is left. With --check_latency an honest
client's median latency may at most double meanwhile.
"""

import argparse
import collections
import json
import multiprocessing
import os
import pickle
import random
import re
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time

from tools.studio.testing.studio_process import Studio

SECRET = b'a secret that lies outside of the data folder'
QUOTA = 64 << 20
MAX_UPLOAD = 1 << 20
MOST_MEMORY = 300e6
SLOW_CLIENTS = 200
# Within this time nothing of failed uploads is left.
CLEAN_IN_SECONDS = 10

NAMES = [
    '..', '../..', '../../../../etc/passwd', '%2e%2e', '%2e%2e%2f%2e%2e%2fetc',
    '..%2f..%2fsecret', '..%5c..%5csecret', '/etc/passwd', '%2fetc%2fpasswd',
    '\\\\host\\share', '%5c%5chost%5cshare', 'a%00.png', '%00', '%c0%ae%c0%ae',
    '%c0%af', '%e0%80%ae', '%u002e', '.', '%2e', '%252e%252e', 'CON', 'nul',
    'file:%2f%2f%2fetc%2fpasswd', 'bundled:..%2fsecret', 'bundled:%2fetc',
    'job:..', '-rf', '%0d%0aX:%20y', ' ', '%20', '~', '$(id)', '%24%7bx%7d',
    'planted', 'A' * 22, 'A' * 3000, '%', '%4', '%zz', '\x01', '\xff\xfe',
]
ROUTES = [
    '/uploads/{}', '/uploads/{}/content', '/uploads/{}/preview',
    '/uploads/{}/preview?frame={}', '/uploads/{}/crop?by={}', '/jobs/{}',
    '/jobs/{}/result?format={}', '/jobs/{}/frame?index={}', '/jobs/{}/events',
    '/jobs/{}/keypoints', '/runs/{}', '/runs/{}/pictures/{}', '/runs/{}/page',
    '/{}', '/uploads?kind={}', '/{}/../uploads',
]
ADDRESSES = [
    'http://127.0.0.1:22/', 'http://169.254.169.254/latest/meta-data/',
    'file:///etc/passwd', 'ftp://host/x', 'gopher://127.0.0.1:6379/_',
    'concat:/etc/passwd', 'subfile:/etc/passwd', 'lavfi:color', 'camera:0',
    'data:image/png;base64,AAAA', '/etc/passwd', '../../../secret',
    'pipe:0', 'rtsp://127.0.0.1/', '//host/share', '\u0000', 'jar:file:/x!/',
]


class Attacker:
  """Makes requests from one seed."""

  def __init__(self, studio, seed):
    self.studio = studio
    self.random = random.Random(seed)
    self.kinds = [
        self.traversal, self.huge_length, self.endless_line,
        self.endless_chunk, self.many_headers, self.many_ranges,
        self.long_boundary, self.wrong_site, self.wrong_token,
        self.wrong_media, self.address_in_field, self.double_upload,
        self.disconnect, self.garbage, self.broken_json, self.methods,
    ]

  def header(self, method, target, *lines, token=True, host=None):
    if host is None:
      host = f'127.0.0.1:{self.studio.port}'
    lines = ['Host: ' + host, *lines]
    if token:
      lines.append('Authorization: Bearer ' + self.studio.token)
    return (f'{method} {target} HTTP/1.1\r\n' + '\r\n'.join(lines) +
            '\r\n\r\n').encode('utf-8', 'surrogateescape')

  def exchange(self, data, cut=None):
    """Sends `data` (to `cut`); the status of the answer, 0 without one."""
    with socket.create_connection(('127.0.0.1', self.studio.port),
                                  timeout=60) as connection:
      try:
        connection.sendall(data if cut is None else data[:cut])
        if cut is not None:
          return 0, b''
        connection.shutdown(socket.SHUT_WR)
      except OSError:
        pass
      answer = b''
      try:
        while len(answer) < 1 << 20:
          part = connection.recv(65536)
          if not part:
            break
          answer += part
      except OSError:
        pass
    found = re.match(rb'HTTP/1\.1 (\d+)', answer)
    return (int(found[1]) if found else 0), answer

  def traversal(self):
    route = self.random.choice(ROUTES)
    names = [self.random.choice(NAMES) for _ in range(route.count('{}'))]
    method = self.random.choice(['GET', 'GET', 'DELETE', 'POST', 'HEAD'])
    prefix = self.random.choice(['/api/v1', '/api/v1', '', '/api'])
    data = self.header(method, prefix + route.format(*names))
    # A name on the query alone may be passed over.
    return [data], (
        route.startswith('/uploads?') and method in ('GET', 'HEAD'))

  def huge_length(self):
    route = self.random.choice(['/uploads?kind=video', '/jobs', '/warp'])
    length = self.random.choice([10_000_000_000, 2**31, 2**63 - 1, 2**64,
                                 MAX_UPLOAD + 1, -1])
    return [self.header('POST', '/api/v1' + route,
                        f'Content-Length: {length}') + b'x' * 1000], False

  def endless_line(self):
    size = self.random.choice([20_000, 100_000, 1_000_000])
    return [self.random.choice([
        b'GET /' + b'a' * size,
        b'A' * size,
        b'GET / HTTP/1.1\r\nX: ' + b'a' * size,
        b'GET / HTTP/1.1\r\n' + b' folded\r\n' * (size // 10),
    ])], False

  def endless_chunk(self):
    head = self.header('POST', '/api/v1/uploads?kind=video',
                       'Transfer-Encoding: chunked')
    return [head + self.random.choice([
        b'ffffffffffffffff\r\n', b'fffffff\r\n' + b'x' * 100_000,
        b'1;' + b'e' * 50_000, b'0' * 50_000, b'-1\r\n', b'1\r\nx\r\n' * 5000,
    ])], False

  def many_headers(self):
    count = self.random.choice([100, 1000, 100_000])
    return [b'GET /api/v1/jobs HTTP/1.1\r\n' +
            b''.join(b'X%d: y\r\n' % i for i in range(count)) + b'\r\n'], False

  def many_ranges(self):
    count = self.random.choice([2, 100, 10_000])
    ranges = ','.join(f'{i}-{i + 5}' for i in range(count))
    return [self.header('GET', '/api/v1/uploads/bundled:dance/content',
                        'Range: bytes=' + ranges)], False

  def long_boundary(self):
    size = self.random.choice([100, 10_000, 1_000_000])
    return [self.header(
        'POST', '/api/v1/uploads?kind=image', 'Content-Length: 100',
        'Content-Type: multipart/form-data; boundary=' + 'b' * size) +
            b'x' * 100], False

  def wrong_site(self):
    if self.random.random() < 0.5:
      return [self.header('GET', '/api/v1/system', host=self.random.choice([
          'evil.example', 'localhost.evil.example:80', '127.0.0.1.nip.io',
          '2130706433', '', 'a' * 1000]))], False
    return [self.header('GET', '/api/v1/system', self.random.choice([
        'Origin: http://evil.example', 'Origin: null',
        'Sec-Fetch-Site: cross-site', 'Host: evil.example',
        'Origin: http://127.0.0.1']))], False

  def wrong_token(self):
    value = self.random.choice([
        None, 'Bearer', 'Bearer ' + 'x' * 43, 'Basic eDp4',
        'Bearer ' + self.studio.token[:-1], 'Bearer ' + 'x' * 8000])
    lines = ['Authorization: ' + value] if value else []
    route = self.random.choice(['/system', '/jobs', '/uploads', '/runs', ''])
    return [self.header('GET', '/api/v1' + route, *lines, token=False)], False

  def wrong_media(self):
    kind = self.random.choice(['image', 'video', 'motion'])
    body = self.random.choice([
        pickle.dumps({'model': os.getcwd}), b'', b'\0' * 1000,
        b'#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n',
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image '
        b'href="file:///etc/passwd"/></svg>',
        b'<html><script>alert(1)</script></html>',
        b'ffconcat version 1.0\nfile /etc/passwd\n',
        b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\6',
        b'GIF89a\xff\xff\xff\xff', b'RIFF\xff\xff\xff\xffAVI LIST',
        b'\0\0\0\x20ftypisom' + self.random.randbytes(500),
        self.random.randbytes(self.random.randrange(1, 5000)),
    ])
    return [self.header('POST', '/api/v1/uploads?kind=' + kind,
                        f'Content-Length: {len(body)}') + body], False

  def post_json(self, path, value):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return self.header('POST', '/api/v1' + path, 'Content-Type: application/json',
                       f'Content-Length: {len(body)}') + body

  def address_in_field(self):
    address = self.random.choice(ADDRESSES)
    job = {'type': 'animate', 'source': 'bundled:puppet',
           'driving': 'bundled:dance', 'checkpoint': 'shipped'}
    field = self.random.choice([
        'type', 'source', 'driving', 'checkpoint', 'mode', 'motion',
        'start_frame', 'panels', 'crop', 'motion_scales', 'output',
        'background'])
    job[field] = [address] if field == 'panels' else address
    if self.random.random() < 0.3:
      return [self.post_json('/warp', {'picture': address})], False
    return [self.post_json('/jobs', job)], False

  def double_upload(self):
    # Refused by its half: what is sent after the stated length is a request of
    # its own, and none.
    body = self.random.randbytes(2000)
    head = self.header('POST', '/api/v1/uploads?kind=image',
                       'Content-Length: 1000')
    return [head + body, head + body], False

  def disconnect(self):
    with open('pipelines/pretrained/puppet.png', 'rb') as file:
      body = file.read()
    data = self.header('POST', '/api/v1/uploads?kind=image',
                       f'Content-Length: {len(body)}') + body
    return [(data, self.random.randrange(len(data)))], False

  def garbage(self):
    return [self.random.choice([
        self.random.randbytes(self.random.randrange(1, 3000)),
        b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
        b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', b'\r\n' * 1000,
        b'GET / HTTP/9.9\r\n\r\n', b'GET\r\n\r\n', b'get / http/1.1\r\n\r\n',
        b'GET / HTTP/1.1\nHost: evil.example\n\n',
        b'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n',
    ])], False

  def broken_json(self):
    body = self.random.choice([
        b'[' * 50_000, b'{"a":' * 20_000, b'{', b'"', b'\xff\xfe', b'nul',
        b'{"type":"animate","type":"motion"}', b'1e999', b'{}', b'[]',
        json.dumps({'a': 'x' * 300_000}).encode(), b'{"picture":{"a":1}}',
        b'{"type":"animate","source":1,"driving":[],"checkpoint":{}}',
    ])
    return [self.post_json(self.random.choice(['/jobs', '/warp']), body)], False

  def methods(self):
    method = self.random.choice(['PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND',
                                 'CONNECT', 'X' * 500])
    return [self.header(method, self.random.choice(
        ['/', '/api/v1/jobs', '/api/v1/uploads/x', '/index.html']))], False

  def attack(self):
    """One attack: its name, and what was wrong with an answer."""
    kind = self.random.choice(self.kinds)
    requests, may_succeed = kind()
    wrong = []
    for request in requests:
      data, cut = request if isinstance(request, tuple) else (request, None)
      status, answer = self.exchange(data, cut)
      if SECRET in answer or b'root:x:0' in answer:
        wrong.append('the answer holds a file from outside')
      if not (status == 0 or 400 <= status < 500 or status in (503, 505, 507) or
              may_succeed):
        wrong.append(f'status {status}: {data[:200]!r} {answer[:300]!r}')
    return kind.__name__, wrong


def slow_clients(port, stop):
  """Sends a header byte by byte on many connections until `stop` is set."""
  connections = []
  while not stop.is_set():
    while len(connections) < SLOW_CLIENTS:
      try:
        connections.append(socket.create_connection(('127.0.0.1', port), 5))
      except OSError:
        break
    for connection in list(connections):
      try:
        connection.send(b'a')
      except OSError:
        connections.remove(connection)
        connection.close()
    stop.wait(1)
  for connection in connections:
    connection.close()


def honest_client(studio, stop, latencies):
  """Asks for /system now and then; seconds of each answer, or the failure."""
  while not stop.is_set():
    start = time.perf_counter()
    try:
      status, _, _ = studio.ask('GET', '/system')
      latencies.append(time.perf_counter() - start if status == 200 else status)
    except OSError as error:
      latencies.append(repr(error))
    stop.wait(0.01)


def run_honest(studio, seconds=None, during=None):
  """The latencies of a client in a process of its own."""
  with multiprocessing.Manager() as manager:
    latencies, stop = manager.list(), multiprocessing.Event()
    client = multiprocessing.Process(target=honest_client,
                                     args=(studio, stop, latencies))
    client.start()
    if during:
      during()
    else:
      time.sleep(seconds)
    stop.set()
    client.join()
    return list(latencies)


def plant_links(data, secret):
  """Links to a file outside, where the server keeps uploads."""
  folder = os.path.join(data, 'uploads', 'P' * 22)
  os.makedirs(folder)
  os.symlink(secret, os.path.join(folder, 'data'))
  os.symlink(secret, os.path.join(folder, 'upload.json'))
  os.symlink(os.path.dirname(secret), os.path.join(data, 'uploads', 'L' * 22))
  os.symlink(os.path.dirname(secret), os.path.join(data, 'jobs', 'L' * 22))


# Folders of the system's libraries and settings, which programs read when they
# start, and of Bazel's outputs.
SYSTEM = re.compile(
    r'/(proc|sys|lib|lib64|usr)/|/etc/(ld\.so|ssl|localtime|fonts|gcrypt)|'
    r'/dev/(null|urandom|random|shm)|.*(bazel-out|runfiles|_solib)')
# As strace -y writes a path, with the path of the folder's descriptor.
PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"([^"]*)"')


def shipped_folders():
  """Where the files lie that the program brings: Bazel links to each file."""
  files = (os.path.join(folder, name)
           for folder in ('pipelines/pretrained', 'tools/studio/page')
           for name in os.listdir(folder))
  return tuple({os.path.dirname(os.path.realpath(file)) for file in files})


def opened_outside(trace, data):
  """Lines of strace that show another file, or a socket, of the server."""
  allowed = (os.path.realpath(data), os.getcwd())
  shipped = shipped_folders()
  bad = []
  with open(trace, encoding='utf-8', errors='replace') as lines:
    for line in lines:
      if 'ENOENT' in line or 'resumed>' in line:
        continue
      if 'connect(' in line and 'AF_UNIX' not in line:
        bad.append(line.strip())
      for folder, name in PATH.findall(line):
        path = os.path.normpath(os.path.join(folder or os.getcwd(), name))
        # The server may find its own files by another of Bazel's links.
        if not (path.startswith(allowed) or SYSTEM.match(path) or
                os.path.realpath(path).startswith(shipped)):
          bad.append(line.strip())
  return bad


def used_bytes(folder):
  return sum(os.lstat(os.path.join(root, name)).st_size
             for root, _, names in os.walk(folder) for name in names)


def attack_all(studio, options, failures, counts):
  lock = threading.Lock()
  seeds = iter(range(options.requests))

  def work():
    while True:
      with lock:
        seed = next(seeds, None)
      if seed is None:
        return
      attacker = Attacker(studio, options.seed * 1_000_003 + seed)
      try:
        name, wrong = attacker.attack()
      except OSError as error:
        name, wrong = 'connect', [repr(error)]
      with lock:
        counts[name] += 1
        failures.extend(f'{name}, request {seed}: {text}' for text in wrong)

  stop = threading.Event()
  slow = threading.Thread(target=slow_clients, args=(studio.port, stop))
  slow.start()
  workers = [threading.Thread(target=work) for _ in range(options.threads)]
  for worker in workers:
    worker.start()
  for worker in workers:
    worker.join()
  stop.set()
  slow.join()


def check_afterwards(studio, data, failures):
  end = time.monotonic() + CLEAN_IN_SECONDS
  while time.monotonic() < end:
    left = [name for name in os.listdir(os.path.join(data, 'uploads'))
            if name.startswith('.')]
    if not left:
      break
    time.sleep(0.1)
  failures.extend(f'left in uploads: {name}' for name in left)
  if used_bytes(data) > QUOTA:
    failures.append(f'the quota is not held: {used_bytes(data)} bytes')
  memory = studio.peak_memory()
  if memory > MOST_MEMORY:
    failures.append(f'the server has had {memory / 1e6:.0f} MB')
  status, _ = studio.json('GET', '/system')
  if status != 200:
    failures.append(f'the server does not answer any more: {status}')
  return memory


def check_links(data, secret, failures):
  """A start with planted links, and requests for them."""
  plant_links(data, secret)
  studio = Studio(data)
  for path in ['/uploads/' + 'P' * 22 + '/content', '/uploads/' + 'P' * 22,
               '/uploads/' + 'L' * 22 + '/content', '/jobs/' + 'L' * 22,
               '/jobs/' + 'L' * 22 + '/result', '/uploads', '/jobs']:
    status, _, answer = studio.ask('GET', path)
    if SECRET in answer or (status == 200 and path.count('/') > 1):
      failures.append(f'{path} of a planted link: {status}')
  studio.stop()
  with open(secret, 'rb') as file:
    if file.read() != SECRET:
      failures.append('a file outside was changed')


def main():
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--requests', type=int, default=1000)
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--threads', type=int, default=4)
  parser.add_argument('--nostrace', action='store_true')
  parser.add_argument('--check_latency', action='store_true')
  options = parser.parse_args()

  folder = tempfile.mkdtemp()
  data, secret = folder + '/data', folder + '/outside/secret'
  os.mkdir(folder + '/outside')
  with open(secret, 'wb') as file:
    file.write(SECRET)
  trace = folder + '/trace'
  # Without HOME, as in a test, the server looks it up in the system's list of
  # users when it starts.
  wrapper = [] if options.nostrace else [
      'env', 'HOME=' + data, 'strace', '-f', '-y', '-qq', '-o', trace, '-s', '4096', '-e',
      'trace=open,openat,creat,unlink,unlinkat,rename,renameat,renameat2,'
      'mkdir,mkdirat,link,linkat,symlink,symlinkat,connect']
  failures, counts = [], collections.Counter()
  studio = Studio(data, ['--quota', f'{QUOTA}B', '--max_upload', f'{MAX_UPLOAD}B'],
                  wrapper)
  calm = run_honest(studio, seconds=3)
  begin = time.monotonic()
  attacked = run_honest(
      studio, during=lambda: attack_all(studio, options, failures, counts))
  seconds = time.monotonic() - begin
  failures.extend(f'honest client: {text}' for text in calm + attacked
                  if not isinstance(text, float))
  memory = check_afterwards(studio, data, failures)
  if studio.stop() != 0:
    failures.append('the server did not end as it should')
  if not options.nostrace:
    failures.extend('strace: ' + line for line in opened_outside(trace, data))
  check_links(data, secret, failures)
  before, during = (statistics.median(x for x in list_ if isinstance(x, float))
                    for list_ in (calm, attacked))
  if options.check_latency and during > 2 * before:
    failures.append('the honest client waits more than twice as long')
  shutil.rmtree(folder)

  for failure in failures[:50]:
    print(failure)
  print(', '.join(f'{name} {count}' for name, count in sorted(counts.items())))
  print(f'{sum(counts.values())} requests in {seconds:.0f} s, '
        f'{len(failures)} failures, seed {options.seed}; most memory '
        f'{memory / 1e6:.0f} MB; an honest client waits {before * 1e3:.2f} ms '
        f'(median) before, {during * 1e3:.2f} ms during the attack')
  sys.exit(1 if failures else 0)


if __name__ == '__main__':
  main()
