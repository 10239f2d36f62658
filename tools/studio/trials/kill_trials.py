"""Kills the server at random moments under load, and starts it again.

  tools/bazelw run //tools/studio/trials:kill_trials -- --trials 200

Two seconds after each kill no child process is left, but for those that have
been killed and wait for the disk or the processor to end. After the next start
every upload that was acknowledged is there with its bytes, every job that had
ended still has its state and result, jobs in between are interrupted and have
no result, and nothing half written is left.
"""

import argparse
import ctypes
import hashlib
import http.client
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

from tools.studio.testing.studio_process import Studio

PR_SET_CHILD_SUBREAPER = 36
ORPHANS_END_IN_SECONDS = 2
# One that has its signal ends when its last system call does.
DYING_END_IN_SECONDS = 60
PUPPET = 'pipelines/pretrained/puppet.png'
DANCE = 'pipelines/pretrained/dance.mp4'
ENDED = ('done', 'failed', 'cancelled', 'interrupted')


def digest(data):
  return hashlib.sha256(data).hexdigest()


class Ledger:
  """What the server has acknowledged, over all its lives."""

  def __init__(self):
    self.uploads = {}  # id to digest
    self.results = {}  # id of a job that is done to the result's digest
    self.jobs = {}  # id to the last state that was seen
    self.unsure = set()  # ids whose removal was asked for

  def forget(self, name):
    self.uploads.pop(name, None)
    self.results.pop(name, None)
    self.jobs.pop(name, None)


class Load:
  """Clients that upload, animate, cancel and delete until the server is gone."""

  def __init__(self, studio, ledger, seed):
    self.studio, self.ledger = studio, ledger
    self.random = random.Random(seed)
    self.stop = threading.Event()
    self.threads = [threading.Thread(target=self.run, args=(step,))
                    for step in (self.upload, self.work, self.look)]
    for thread in self.threads:
      thread.start()

  def run(self, step):
    while not self.stop.is_set():
      try:
        step()
      except (OSError, ValueError, http.client.HTTPException):
        time.sleep(0.02)

  def join(self):
    self.stop.set()
    for thread in self.threads:
      thread.join()

  def upload(self):
    kind, path = self.random.choice([('image', PUPPET), ('video', DANCE)])
    with open(path, 'rb') as file:
      body = file.read()
    status, answer = self.studio.json('POST', '/uploads?kind=' + kind, body)
    if status == 201:
      self.ledger.uploads[answer['id']] = digest(body)
    if len(self.ledger.uploads) > 20:
      name = self.random.choice(list(self.ledger.uploads))
      self.ledger.unsure.add(name)
      self.ledger.forget(name)
      self.studio.ask('DELETE', '/uploads/' + name)

  def work(self):
    status, job = self.studio.json('POST', '/jobs', {
        'type': 'animate', 'source': 'bundled:puppet',
        'driving': 'bundled:dance', 'checkpoint': 'shipped',
        'max_frames': self.random.choice([1, 1, 2, 20])})
    if status == 202:
      self.ledger.jobs[job['id']] = job['state']
      if self.random.random() < 0.2:
        self.studio.ask('POST', f'/jobs/{job["id"]}/cancel')
    else:
      time.sleep(0.1)

  def look(self):
    _, jobs = self.studio.json('GET', '/jobs')
    for job in jobs:
      name = job['id']
      if name in self.ledger.unsure:
        continue
      self.ledger.jobs[name] = job['state']
      if job['state'] == 'done' and name not in self.ledger.results:
        status, _, result = self.studio.ask('GET', f'/jobs/{name}/result')
        if status == 200:
          self.ledger.results[name] = digest(result)
    if len(jobs) > 15:
      name = jobs[-1]['id']
      if jobs[-1]['state'] in ENDED:
        self.ledger.unsure.add(name)
        self.ledger.forget(name)
        self.studio.ask('DELETE', '/jobs/' + name)
    time.sleep(0.05)


def children():
  """Processes whose parent is this one: also orphans, as it is a subreaper."""
  found = []
  for task in os.listdir('/proc/self/task'):
    with open(f'/proc/self/task/{task}/children', encoding='ascii') as file:
      found += [int(child) for child in file.read().split()]
  return [child for child in found if not is_dead(child)]


def is_dead(process):
  try:
    with open(f'/proc/{process}/stat', encoding='ascii') as stat:
      return stat.read().rsplit(')', 1)[1].split()[0] == 'Z'
  except OSError:
    return True


def reap():
  try:
    while os.waitpid(-1, os.WNOHANG)[0]:
      pass
  except ChildProcessError:
    pass


def status_of(process):
  """The lines of its status by their names; none of one that is gone."""
  try:
    with open(f'/proc/{process}/status', encoding='utf-8') as status:
      return dict(line.rstrip('\n').split(':\t', 1) for line in status
                  if ':\t' in line)
  except OSError:
    return {}


def is_dying(status):
  """Whether SIGKILL is on its way, or its memory is given back already."""
  if not status or 'VmSize' not in status:
    return True
  pending = int(status['SigPnd'], 16) | int(status['ShdPnd'], 16)
  return bool(pending & 1 << signal.SIGKILL - 1)


def wait_for_end(seconds):
  end = time.monotonic() + seconds
  while children() and time.monotonic() < end:
    time.sleep(0.02)


def check_orphans(failures, trial):
  wait_for_end(ORPHANS_END_IN_SECONDS)
  for child in children():
    status = status_of(child)
    if not is_dying(status):
      failures.append(f'trial {trial}: process {child} is left: '
                      f'{status["Name"]}, {status["State"]}')
      os.kill(child, signal.SIGKILL)
  wait_for_end(DYING_END_IN_SECONDS)
  for child in children():
    failures.append(f'trial {trial}: process {child} does not end')
  reap()


def check_uploads(studio, ledger, failures, trial):
  for name, expected in ledger.uploads.items():
    status, _, body = studio.ask('GET', f'/uploads/{name}/content')
    if status != 200 or digest(body) != expected:
      failures.append(f'trial {trial}: upload {name} is lost: {status}')
  _, listed = studio.json('GET', '/uploads')
  for upload in listed:
    status, _, _ = studio.ask('GET', f'/uploads/{upload["id"]}/preview?side=16')
    if status != 200:
      failures.append(f'trial {trial}: upload {upload["id"]} is broken')


def check_jobs(studio, ledger, failures, trial):
  _, listed = studio.json('GET', '/jobs')
  jobs = {job['id']: job for job in listed}
  for name, seen in ledger.jobs.items():
    now = jobs.get(name, {'state': 'missing'})['state']
    # A job may have ended after it was seen last.
    if now not in ENDED or (seen in ENDED and now != seen):
      failures.append(f'trial {trial}: job {name} was {seen}, is {now}')
  for name, job in jobs.items():
    status, _, body = studio.ask('GET', f'/jobs/{name}/result')
    if (status == 200) != (job['state'] == 'done'):
      failures.append(f'trial {trial}: job {name} is {job["state"]}, its '
                      f'result {status}')
    if status == 200 and digest(body) != ledger.results.get(name, digest(body)):
      failures.append(f'trial {trial}: the result of job {name} has changed')
    if status == 200:
      frame, _, _ = studio.ask('GET', f'/jobs/{name}/frame?index='
                               f'{job["frames"] - 1}')
      if frame != 200:
        failures.append(f'trial {trial}: the result of job {name} is cut')
  return sum(job['state'] == 'interrupted' for job in listed)


def check_files(data, failures, trial):
  for folder in ('uploads', 'jobs'):
    for name in os.listdir(os.path.join(data, folder)):
      if name.startswith('.') and name != '.lock':
        failures.append(f'trial {trial}: {folder}/{name} is left')


def main():
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--trials', type=int, default=20)
  parser.add_argument('--seed', type=int, default=0)
  parser.add_argument('--seconds', type=float, default=4,
                      help='the longest life of a server')
  options = parser.parse_args()
  ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

  folder = tempfile.mkdtemp()
  data = folder + '/data'
  generator = random.Random(options.seed)
  failures, ledger, interrupted = [], Ledger(), 0
  begin = time.monotonic()
  for trial in range(options.trials):
    studio = Studio(data, ['--max_queue', '3'])
    load = Load(studio, ledger, generator.random())
    time.sleep(generator.uniform(0, options.seconds))
    studio.kill()
    load.join()
    check_orphans(failures, trial)
    studio = Studio(data)
    check_files(data, failures, trial)
    check_uploads(studio, ledger, failures, trial)
    interrupted = max(interrupted, check_jobs(studio, ledger, failures, trial))
    if studio.stop() != 0:
      failures.append(f'trial {trial}: the server did not end as it should')
    if (trial + 1) % 10 == 0:
      print(f'{trial + 1} kills, {len(failures)} failures', *failures[-1:],
            file=sys.stderr)
  shutil.rmtree(folder)
  if not ledger.uploads or not ledger.jobs:
    failures.append('no upload or no job was acknowledged: nothing was compared')

  for failure in failures[:50]:
    print(failure)
  print(f'{options.trials} kills in {time.monotonic() - begin:.0f} s, '
        f'{len(failures)} failures, seed {options.seed}; '
        f'{len(ledger.results)} results and {len(ledger.uploads)} uploads '
        f'compared at the end, at most {interrupted} interrupted jobs at a time')
  sys.exit(1 if failures else 0)


if __name__ == '__main__':
  main()
