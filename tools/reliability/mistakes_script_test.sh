#!/bin/bash
# mistakes.sh fails where a program says something else, or nothing is tried.
script=$PWD/tools/reliability/mistakes.sh
cd "$TEST_TMPDIR" && mkdir -p tools/reliability || exit
cat >program <<'PROGRAM'
#!/bin/bash
echo "program: error: $1: is a folder" >&2
exit 1
PROGRAM
chmod +x program

# try EXIT_CODE TEXT LINE [EVERY]: of a list with that line.
try() {
  local said got
  echo "$3" >tools/reliability/mistakes.txt
  said=$("$script" "${4:-1}" 2>&1)
  got=$?
  [[ $got == "$1" && $said == *"$2"* ]] && return
  echo "$3: exit code $got, said: $said"
  exit 1
}

try 0 "| mistakes | 1 of 1 | 0 |" "1 | is a folder | ./program a"
try 1 "does not say 'is no folder'" "1 | is no folder | ./program a"
try 1 "does not say 'program'" "1 | program | ./program a"
try 1 "exit code 1, not 2" "2 | is a folder | ./program a"
try 1 "| mistakes | 0 of 1 | 0 |" "1 | is a folder | ./program a" 2
try 0 ":mistakes -- [EVERY]" "" --help
try 2 "EVERY is 'all'; use 1 or more" "" all
