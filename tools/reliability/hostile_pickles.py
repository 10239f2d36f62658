#!/usr/bin/env python3
"""Has weights read pickles that would do harm, and watches it by strace.

  tools/bazelw run //tools/reliability:hostile_pickles -- --trials 600

Each trial is a .pth file, in the format of today (zip) or in that from before
PyTorch 1.6. Its pickle is drawn: every opcode of Python's pickle with values of
every kind below it, names that call programs and others, persistent ids, memos
that refer to themselves, nested containers, texts that claim more than there
is; and archives whose sizes, names and entries are wrong.

The program must end by itself, with a list or with an error that names the
file; an error over a name says the name and its place in the stream. It may
start no program, open no socket and open nothing to write, but for what it does
with a good file, too, as its libraries start.

Ends with 0 if all is so, with 1 if not, with 3 where strace may not trace.
"""

import argparse
import io
import os
import pickle
import pickletools
import random
import re
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile

HARMFUL = [
    ('os', 'system'), ('posix', 'system'), ('nt', 'system'),
    ('builtins', 'eval'), ('builtins', 'exec'), ('builtins', 'getattr'),
    ('builtins', '__import__'), ('__builtin__', 'eval'),
    ('subprocess', 'Popen'), ('subprocess', 'check_output'),
    ('socket', 'create_connection'), ('shutil', 'rmtree'), ('pty', 'spawn'),
    ('runpy', '_run_code'), ('webbrowser', 'open'), ('pip', 'main'),
    ('torch', 'load'), ('torch.hub', 'load'), ('torch.jit', 'load'),
    ('torch._utils', '_rebuild_tensor_v2.__globals__'),
    ('torch.serialization', 'load'), ('importlib', 'import_module'),
    ('numpy.core.multiarray', '_reconstruct'), ('operator', 'attrgetter'),
]
HARMLESS = [
    ('collections', 'OrderedDict'), ('torch._utils', '_rebuild_tensor_v2'),
    ('torch', 'FloatStorage'), ('torch', 'Size'), ('_codecs', 'encode'),
]
KINDS = ['program', 'deep', 'memo', 'claims', 'archive']

# What a program that reads weights may ask of the system, if it fails or not.
CALLS = ('execve,execveat,socket,connect,fork,vfork,creat,open,openat,openat2,'
         'unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,symlink,'
         'symlinkat,link,linkat,truncate,chmod,fchmodat')


def text(value):
  data = value.encode()
  return b'X' + struct.pack('<I', len(data)) + data


# {'a': a tensor of four numbers}
GOOD = (b'\x80\x02}' + text('a') + b'ctorch._utils\n_rebuild_tensor_v2\n((' +
        text('storage') + b'ctorch\nFloatStorage\n' + text('0') + text('cpu') +
        b'K\x04tQK\x00K\x04\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRs.')


def argument(opcode, draw):
  """Bytes of a drawn argument of an opcode."""
  if opcode.arg is None:
    return b''
  kind = opcode.arg.name
  if kind == 'stringnl_noescape_pair':
    module, name = draw.choice(HARMFUL + HARMLESS)
    return f'{module}\n{name}\n'.encode()
  line = draw.choice([b'1', b'-1', b'99999999999999999999', b'os', b"'os'",
                      b'x' * 300, b''])
  size = draw.choice([0, 1, 3, 200])
  body = bytes(draw.randrange(256) for _ in range(size))
  claimed = draw.choice([size, size, size + 1, 2**31 - 1])
  fixed = {'uint1': 1, 'uint2': 2, 'int4': 4, 'uint4': 4, 'uint8': 8,
           'float8': 8}
  if kind in fixed:
    return bytes(draw.choice([0, 1, 255]) for _ in range(fixed[kind]))
  lengths = {'1': '<B', '4': '<I', '8': '<Q'}
  if kind[-1] in lengths and 'nl' not in kind:
    form = lengths[kind[-1]]
    limit = 256**struct.calcsize(form) - 1
    return struct.pack(form, min(claimed, limit)) + body
  return line + b'\n'


def stack_of(draw):
  """Opcodes that leave values on the stack, as a call or a build needs them."""
  module, name = draw.choice(HARMFUL + HARMLESS)
  line = f'{module}\n{name}\n'.encode()
  command = text('touch /tmp/owned_by_a_pickle')
  values = [
      b'N', b'(', b')', b']', b'}', b'K\x01', command, command + b'\x85',
      b'c' + line, text(module) + text(name) + b'\x93',
      b'c' + line + command + b'\x85R', b'(' + command + b'i' + line,
      b'(' + text('storage') + b'ctorch\nFloatStorage\n' + text('0') +
      text('cpu') + b'K\x04tQ', b'q\x01', b'h\x01'
  ]
  return b''.join(draw.choice(values) for _ in range(draw.randrange(5)))


def kind_of(number):
  return KINDS[max(0, number % 10 - 5)]


def opcode_of(number):
  """That of a trial of the kind 'program', one after the other."""
  index = number // 10 * 6 + number % 10
  return pickletools.opcodes[index % len(pickletools.opcodes)]


def drawn_program(opcode, draw):
  """A pickle with this opcode."""
  return (b'\x80\x02' + stack_of(draw) + opcode.code.encode('latin1') +
          argument(opcode, draw) + stack_of(draw) + b'.')


def names_of(program):
  """The names that a machine meets on its way to the end of a pickle."""
  names, texts = [], []
  try:
    for opcode, value, _ in pickletools.genops(program):
      if opcode.name in ('GLOBAL', 'INST'):
        names.append(tuple(value.split(' ', 1)))
      elif opcode.name == 'STACK_GLOBAL':
        names.append(tuple(texts[-2:]))
      elif isinstance(value, str):
        texts.append(value)
  except Exception:  # whatever a broken pickle makes it raise
    pass
  return names


def deep(draw):
  count = draw.choice([200, 20000, 1000000])
  opening, closing = draw.choice([(b']', b'a'), (b'(', b't'), (b'}K\x01', b's'),
                                  (b')\x85', b'')])
  return b'\x80\x02' + opening * count + closing * draw.choice([0, count]) + b'.'


def memo(draw):
  body = b']q\x01' + b'h\x01a' * draw.choice([1, 50])
  doubled = b']q\x00' + b''.join(
      b']q' + bytes([i + 1]) + b'(' + (b'h' + bytes([i])) * 10 + b'e'
      for i in range(draw.choice([5, 100])))
  far = b'Nr' + struct.pack('<I', 2**32 - 1) + b'j' + struct.pack(
      '<I', 2**32 - 1)
  return b'\x80\x02' + draw.choice([body, doubled, far]) + b'.'


def claims(draw):
  claim = draw.choice([2**16, 2**31 - 1, 2**32 - 1])
  forms = [b'X' + struct.pack('<I', claim), b'\x8e' + struct.pack('<Q', claim),
           b'\x8d' + struct.pack('<Q', 2**64 - 1), b'\x8b' + struct.pack(
               '<i', min(claim, 2**31 - 1)), b'\x95' + struct.pack('<Q', claim)]
  return b'\x80\x04' + draw.choice(forms) + b'a' * draw.randrange(20) + b'.'


def zipped(program, names=('archive/data.pkl', 'archive/version',
                           'archive/data/0')):
  file = io.BytesIO()
  with zipfile.ZipFile(file, 'w', zipfile.ZIP_STORED) as archive:
    for name, data in zip(names, (program, b'3\n', bytes(16))):
      archive.writestr(zipfile.ZipInfo(name), data)
  return file.getvalue()


def before_zip(program):
  words = [0x1950a86a20f9469cfc6c, 1001,
           {'protocol_version': 1001, 'little_endian': True,
            'type_sizes': {'short': 2, 'int': 4, 'long': 4}}]
  parts = [pickle.dumps(word, protocol=2) for word in words]
  keys = pickle.dumps(['0'], protocol=2)
  return b''.join(parts) + program + keys + struct.pack('<q', 4) + bytes(16)


def broken_archive(draw):
  """An archive of a good pickle with wrong sizes, names or entries."""
  if draw.random() < 0.4:
    name = draw.choice(['../../tmp/owned_by_a_pickle', '/tmp/owned_by_a_pickle',
                        'archive/../../x', 'archive/data.pkl', 'a\\..\\b'])
    return zipped(GOOD, ('archive/data.pkl', name, 'archive/data/0'))
  data = bytearray(zipped(GOOD))
  # Sizes and offsets of the central directory and its end.
  at = data.find(draw.choice([b'PK\x01\x02', b'PK\x05\x06', b'PK\x03\x04']))
  place = at + draw.choice([6, 10, 12, 16, 18, 20, 24, 26, 28, 42])
  value = draw.choice([0, 1, 2**16 - 1, 2**31, 2**32 - 1])
  width = draw.choice([2, 4])
  data[place:place + width] = struct.pack(
      '<H' if width == 2 else '<I', value % 256**width)
  return bytes(data)


def make_trial(number):
  """The kind, the bytes, and the names that the pickle refers to."""
  draw = random.Random(number)
  kind = kind_of(number)
  if kind == 'program':
    program = drawn_program(opcode_of(number), draw)
  elif kind == 'archive':
    return kind, broken_archive(draw), []
  else:
    program = {'deep': deep, 'memo': memo, 'claims': claims}[kind](draw)
  wrap = zipped if draw.random() < 0.5 else before_zip
  return kind, wrap(program), names_of(program) if kind == 'program' else []


def calls_of(trace):
  """The calls in strace's lines that do more than read a file."""
  found = []
  for line in trace.splitlines():
    # Of a call between those of other threads, the end is in another line.
    call = re.search(r'\b(\w+)\((.*)(?:\) += | <unfinished \.\.\.>)', line)
    if call is None:
      continue
    name, rest = call.groups()
    if name in ('open', 'openat', 'openat2') and not re.search(
        r'O_WRONLY|O_RDWR|O_CREAT|O_TRUNC', rest):
      continue
    # OpenMP's note of the process, in memory, has its number in the name.
    rest = re.sub(r'(__KMP_REGISTERED_LIB_)\w+', r'\1', rest)
    # Where the environment lies in memory.
    rest = re.sub(r'0x[0-9a-f]+ /\* \d+ vars \*/', 'environment', rest)
    found.append(f'{name}({rest})')
  return found


def list_weights(program, data, folder):
  """What weights makes of a file of these bytes; and its calls."""
  path = os.path.join(folder, 'hostile.pth')
  trace = os.path.join(folder, 'trace')
  with open(path, 'wb') as file:
    file.write(data)
  result = subprocess.run(
      ['strace', '-f', '-qq', '-s', '300', '-o', trace, '-e', 'trace=' + CALLS,
       program, 'list', path],
      # Debian 13's LibTorch brings UCX, whose thread opens a socket at a time
      # of its own.
      env={**os.environ, 'UCX_VFS_ENABLE': 'n'},
      stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
      errors='replace', check=False)
  with open(trace, errors='replace') as file:
    return result, calls_of(file.read())


def run_trial(number, program, allowed, folder):
  """What is wrong, in sentences."""
  kind, data, names = make_trial(number)
  try:
    result, calls = list_weights(program, data, folder)
  except subprocess.TimeoutExpired:
    return [f'{kind}: it goes on for two minutes']
  wrong = [f'{kind}: {call}' for call in calls if call not in allowed]
  message = result.stderr.strip()
  if result.returncode not in (0, 1):
    wrong.append(f'{kind}: exit code {result.returncode}: {message[-300:]}')
  if result.returncode == 1 and 'hostile.pth' not in message:
    wrong.append(f'{kind}: an error without the file: {message[-300:]}')
  harmful = ['.'.join(name) for name in names if name in HARMFUL]
  if result.returncode == 0 and harmful:
    wrong.append(f'{kind}: read in spite of {harmful[0]}')
  for name in harmful:
    if name in message and not re.search(r'\b(byte|offset|at) \d+', message):
      wrong.append(f'{kind}: no place: {message[-300:]}')
  return wrong


def main():
  parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
  parser.add_argument('--trials', type=int, default=600)
  parser.add_argument('--first_seed', type=int, default=0)
  options = parser.parse_args()
  if options.trials < 1:
    parser.error(f'--trials is {options.trials}; use 1 or more')
  program = os.path.abspath('tools/weights/weights')
  if subprocess.run(['strace', '-f', '-o', '/dev/null', 'true'],
                    stderr=subprocess.DEVNULL, check=False).returncode != 0:
    print('hostile_pickles: strace is missing or may not trace here')
    return 3
  # Of entries that have one name, as some have on purpose.
  warnings.filterwarnings('ignore', 'Duplicate name')
  failures = 0
  numbers = range(options.first_seed, options.first_seed + options.trials)
  with tempfile.TemporaryDirectory() as folder:
    good, allowed = list_weights(program, zipped(GOOD), folder)
    if good.returncode != 0:
      print('a good file is refused: ' + good.stderr)
      return 1
    for number in numbers:
      for sentence in run_trial(number, program, allowed, folder):
        print(f'seed {number}: {sentence}')
        failures += 1
  if os.path.exists('/tmp/owned_by_a_pickle'):
    print('a pickle has written a file')
    failures += 1
  opcodes = {opcode_of(number).name for number in numbers
             if kind_of(number) == 'program'}
  print(f'{options.trials} pickles with {len(opcodes)} opcodes: '
        f'{failures} failures')
  return 1 if failures else 0


if __name__ == '__main__':
  sys.exit(main())
