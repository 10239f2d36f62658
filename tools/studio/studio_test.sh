#!/bin/bash
# studio as a user starts it: help, mistakes, the address that it prints.
program=tools/studio/studio
. pipelines/app/program_testing.sh
export CPAB_USER_DIRECTORY=$TEST_TMPDIR HOME=$TEST_TMPDIR XDG_STATE_HOME=

mkdir -p "$TEST_TMPDIR/foreign"
touch "$TEST_TMPDIR/foreign/thesis.tex"
(umask 077 && echo 0123456789abcdef0123456789abcdef >"$TEST_TMPDIR/token")
echo 0123456789abcdef0123456789abcdef >"$TEST_TMPDIR/open_token"
chmod 644 "$TEST_TMPDIR/open_token"

expect_help listen port token_file allowed_hosts root checkpoints data quota \
  max_upload max_age max_queue job_memory device

expect 2 "give --token_file" --listen 0.0.0.0
expect 2 "give --token_file" --listen ::
expect 2 "no numeric address" --listen localhost
expect 2 "--port has to be 0 to 65535" --port 70000
expect 2 "--quota: \"much\" is no size" --quota much
expect 2 "--quota: \"20\" is no size; write it with a unit" --quota 20
expect 2 "--max_upload: \"0\" is no size" --max_upload 0
expect 2 "--max_upload is 2MB, more than --quota, which is 1MB" --max_upload 2MB --quota 1MB
expect 2 "--quota: \"0B\" is out of range; use 1B to 8192TiB" --quota 0B
expect 2 "--root is empty" --root ""
expect 2 "--data: $TEST_TMPDIR/token: is no folder" --data token
expect 2 "--root: $TEST_TMPDIR/nope: there is no such folder" --root nope
expect 2 "--root: $TEST_TMPDIR/token: is no folder" --root token
expect 2 "--checkpoints: $TEST_TMPDIR/nope: there is no such file or folder" --checkpoints ,foreign,,nope
expect 2 "--checkpoints: $TEST_TMPDIR/token: is no checkpoint" --checkpoints token
expect 2 "--max_age: \"week\" is no time" --max_age week
expect 2 "--max_queue has to be 1 to 1000" --max_queue 0
expect 2 "missing_token: cannot open" --token_file missing_token
expect 2 "run: chmod 600" --token_file open_token
expect 2 "there is no cuda:99 here" --port 0 --device cuda:99
HOME=/dev/null expect 1 "cannot make this folder: Not a directory; give --data another folder" --port 0 --device cpu
HOME='' expect 2 "--data: HOME is not set" --port 0
HOME='' expect 2 "--data: HOME is not set" --port 0 --data '~/studio'
# Of TEST-NET-1 (RFC 5737), which no machine has.
expect 2 "192.0.2.1 is no address of this machine" --port 0 --device cpu \
  --listen 192.0.2.1 --token_file token
# Root may use port 80, but by a capability.
cat >"$TEST_TMPDIR/unprivileged" <<'SCRIPT'
#!/bin/bash
without=()
[[ $EUID -ne 0 ]] || without=(setpriv --bounding-set=-net_bind_service)
exec "${without[@]}" tools/studio/studio "$@"
SCRIPT
chmod +x "$TEST_TMPDIR/unprivileged"
(($(</proc/sys/net/ipv4/ip_unprivileged_port_start) <= 80)) ||
  program=$TEST_TMPDIR/unprivileged \
    expect 2 "127.0.0.1:80: the port is for root alone" --port 80 --device cpu
expect 1 "holds other files, as thesis.tex" --port 0 --data foreign

finish
