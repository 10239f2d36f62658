#!/bin/bash
# hostile_pickles at small size; README.md has the figures of a long run.
program=tools/reliability/hostile_pickles
. pipelines/app/program_testing.sh

# Of every kind.
succeed "10 pickles with 6 opcodes: 0 failures" --trials 10 --first_seed 1000
succeed "2 pickles with 1 opcodes: 0 failures" --trials 2 --first_seed 1009
said=$("$program" --trials 0 2>&1) && complain "no trial was taken for some"
[[ "$said" == *"--trials is 0; use 1 or more"* ]] || complain "it says: $said"

# A call that strace splits counts.
calls=$(PYTHONDONTWRITEBYTECODE=1 python3 - <<'PYTHON'
import sys
sys.path.insert(0, 'tools/reliability')
import hostile_pickles
print(hostile_pickles.calls_of("""\
7 openat(AT_FDCWD, "/a", O_RDONLY <unfinished ...>
7 openat(AT_FDCWD, "/b", O_WRONLY|O_CREAT, 0666 <unfinished ...>
8 execve("/bin/sh", ["sh"], 0x7ffd /* 20 vars */ <unfinished ...>
7 <... openat resumed>) = 3
8 execve("/bin/id", ["id"], 0x7ffd /* 20 vars */) = 0
"""))
PYTHON
)
[[ "$calls" == "['openat(AT_FDCWD, \"/b\", O_WRONLY|O_CREAT, 0666)', 'execve(\"/bin/sh\", [\"sh\"], environment)', 'execve(\"/bin/id\", [\"id\"], environment)']" ]] ||
  complain "calls: $calls"
finish
