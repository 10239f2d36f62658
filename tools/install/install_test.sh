#!/usr/bin/env bash
# What is installed runs elsewhere, as a user who may not write there.
set -euo pipefail
# Not below the home folder, into which another user cannot look.
folder=$(mktemp -d "${TMPDIR:-/tmp}/install_test.XXXXXX")
studio=
trap '[[ -z "$studio" ]] || kill "$studio" 2>/dev/null || true; rm -rf "$folder"' EXIT
prefix="$folder/prefix"
work="$folder/work"
mkdir -p "$work"
chmod 755 "$folder"
# The installed copy alone must serve: nothing of Bazel's is told to the programs.
installer="$PWD/tools/install/install"
(umask 077 && exec env -i PATH=/usr/bin:/bin OMP_NUM_THREADS=1 HOME=/nonexistent "$installer" "$prefix") 2>"$folder/warning"
closed=$(find "$prefix" ! -type l ! -perm -044)
[[ -z "$closed" ]] || { echo "others may not read: $closed"; exit 1; }

# As another user, unless LibTorch is in a folder of one's own.
as_user=()
if [[ $EUID -eq 0 ]] && command -v setpriv >/dev/null; then
  other_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  library=$(ldd "$prefix/bin/cpab-animate" | sed -n 's/.*libtorch_cpu.* => \(\/[^ ]*\).*/\1/p')
  if "${other_user[@]}" test -r "$library"; then
    chown 65534:65534 "$work"
    as_user=("${other_user[@]}")
    [[ ! -s "$folder/warning" ]] || { cat "$folder/warning"; exit 1; }
  else
    grep -q 'other users cannot run' "$folder/warning" || { echo "no warning that others cannot run it"; exit 1; }
  fi
fi
run() {
  (cd "$work" && env -i PATH=/usr/bin:/bin OMP_NUM_THREADS=1 HOME=/nonexistent "${as_user[@]}" "$@")
}

fail() {
  echo "$1"
  exit 1
}

run "$prefix/bin/cpab-animate" --device cpu --max_frames 2 --output "$work/dance.mp4" >"$work.log" 2>&1 ||
  fail "cpab-animate does not run: $(cat "$work.log")"
[[ -s "$work/dance.mp4" ]] || fail "cpab-animate wrote nothing"
run "$prefix/bin/cpab-animate" --device cpu --crop face --source /nonexistent.png --driving "$work/dance.mp4" --output "$work/none.mp4" >"$work.log" 2>&1 && fail "a missing source was taken"
grep -q '/nonexistent.png' "$work.log" || fail "cpab-animate names no missing source: $(cat "$work.log")"
run "$prefix/bin/cpab-train" --config actions-64 --print_config >"$work.log" 2>&1 ||
  fail "cpab-train does not find its configs: $(cat "$work.log")"
grep -q 'training' "$work.log" || fail "the config that cpab-train prints holds no training"
# Studio with its page, its decoder and its worker.
(cd "$work" && exec env -i PATH=/usr/bin:/bin OMP_NUM_THREADS=1 HOME=/nonexistent "${as_user[@]}" \
  "$prefix/bin/cpab-studio" --port 0 --device cpu --data "$work/studio" >"$work.log" 2>&1) &
studio=$!
address=
for ((i = 0; i < 600; i++)); do
  address=$(grep -oE 'http://[0-9.:]+/#\S+' "$work.log") && break
  kill -0 $studio 2>/dev/null || break
  sleep 0.1
done
[[ -n "$address" ]] || fail "cpab-studio does not start: $(cat "$work.log")"
api="${address%%#*}api/v1"
ask() {
  curl -sf -H "Authorization: Bearer ${address#*#}" "$@"
}
[[ $(curl -sf "${address%%#*}") == *'<!doctype html>'* ]] || fail "cpab-studio has no page"
ask -o "$work.png" "$api/uploads/bundled:dance/preview" && head -c 4 "$work.png" | grep -q PNG || fail "cpab-studio shows no preview"
job=$(ask "$api/jobs" -H 'Content-Type: application/json' --data \
  '{"type":"animate","source":"bundled:puppet","driving":"bundled:dance","checkpoint":"shipped","max_frames":2}')
[[ "$job" == *'"command":"cpab-animate '* ]] || fail "cpab-studio shows no installed command: $job"
id=$(grep -o '"id":"[^"]*"' <<<"$job" | cut -d '"' -f 4)
ask -N "$api/jobs/$id/events" >"$work.events"
ask -o "$work.mp4" "$api/jobs/$id/result" && head -c 12 "$work.mp4" | grep -q ftyp || fail "cpab-studio animates nothing: $(tail -n 3 "$work.events")"
kill -INT $studio
wait $studio || fail "cpab-studio does not end as it should: $(cat "$work.log")"
studio=

# The installer has run the --help of every program for its page.
for program in "$prefix"/bin/*; do
  page="$prefix/share/man/man1/$(basename "$program").1"
  grep -q '^  \\-\\-' "$page" || fail "$page lacks flags: $(cat "$page")"
  ! grep -q bazelw "$page" || fail "$page tells of Bazel: $(cat "$page")"
done
for program in "$prefix"/bin/cpab-{animate,studio,weights}; do
  run "$program" --help >"$work.log" 2>&1 || fail "$program --help: $(cat "$work.log")"
  page="$prefix/share/man/man1/$(basename "$program").1"
  [[ $(grep -c '^  \\-\\-' "$page") == $(grep -c '^  --' "$work.log") ]] || fail "$page lacks flags: $(cat "$page")"
done

# File names with spaces are completed as one.
touch "$work/my video.mp4"
(
  cd "$work"
  . "$prefix/share/bash-completion/completions/cpab-animate"
  COMP_WORDS=(cpab-animate my) COMP_CWORD=1
  _cpab_animate "$prefix/bin/cpab-animate"
  [[ "${#COMPREPLY[@]} ${COMPREPLY[0]}" == "1 my video.mp4" ]]
) || fail "completion splits a name with a space"
# The flags are those of each program, which is not run for them.
(
  . "$prefix/share/bash-completion/completions/cpab-animate"
  . "$prefix/share/bash-completion/completions/cpab-weights"
  COMP_WORDS=(cpab-animate --outp) COMP_CWORD=1
  _cpab_animate /nonexistent
  of_animate="${COMPREPLY[*]}"
  COMP_WORDS=(cpab-weights --keep)
  _cpab_weights /nonexistent
  [[ "$of_animate ${COMPREPLY[*]}" == "--output --keep_prefix" ]]
) || fail "completion knows no flags"

# A second installation, here of one program, replaces the first, and nothing of
# the user's.
mkdir -p "$folder/one"/{pipelines,tools,external}
cp -L pipelines/animate "$folder/one/pipelines/"
touch "$prefix/lib/cpab_animation/left_over" "$prefix/share/man/man1/cpab-gone.1"
ln -s ../lib/cpab_animation/tools/gone "$prefix/bin/cpab-gone"
ln -s /bin/true "$prefix/bin/cpab-mine"
(cd "$folder/one" && "$installer" "$prefix")
for name in lib/cpab_animation/left_over bin/cpab-gone bin/cpab-train share/man/man1/cpab-{gone,train}.1; do
  [[ ! -e "$prefix/$name" && ! -L "$prefix/$name" ]] || fail "$name of the earlier installation is left"
done
[[ -x "$prefix/bin/cpab-animate" ]] || fail "the second installation has no cpab-animate"
[[ -x "$prefix/bin/cpab-mine" ]] || fail "a link of the user's is gone"

# Into a folder of another one's. Root may write there, too, but by a capability.
without=()
[[ $EUID -ne 0 ]] || without=(setpriv "--bounding-set=-dac_override,-dac_read_search")
for closed in lib lib/cpab_animation bin share/man/man1 share/bash-completion/completions; do
  chmod 555 "$prefix/$closed"
  said=$("${without[@]}" "$installer" "$prefix" 2>&1) && fail "a closed $closed was taken"
  chmod 755 "$prefix/$closed"
  [[ "$said" == "install: error: $prefix cannot be written. Name a folder of yours, or run as root." ]] || fail "of a closed $closed it says: $said"
done
for arguments in "" --prefix "--prefix p" "one two"; do
  # shellcheck disable=SC2086
  "$installer" $arguments >"$work.log" 2>"$folder/usage" && code=0 || code=$?
  [[ $code == 2 && ! -s "$work.log" ]] || fail "code $code for the arguments '$arguments'"
  grep -q 'bazelw run //tools:install -- PREFIX' "$folder/usage" || fail "no usage for '$arguments'"
  case "$arguments" in
    "") words="PREFIX is missing" ;;
    --prefix*) words="there is no flag --prefix" ;;
    *) words="there are 2 arguments" ;;
  esac
  head -n 1 "$folder/usage" | grep -q "^install: error: $words" || fail "for '$arguments' it says: $(head -n 1 "$folder/usage")"
done
touch "$folder/file"
ln -s nothing "$folder/link"
for name in file file/below; do
  said=$("$installer" "$folder/$name" 2>&1) && fail "$name was taken for a folder"
  [[ "$said" == "install: error: $folder/file is a file. Name a folder." ]] || fail "of $name it says: $said"
done
for name in link link/below; do
  said=$("$installer" "$folder/$name" 2>&1) && fail "$name was taken for a folder"
  [[ "$said" == "install: error: $folder/link is a link to nothing. Name a folder." ]] || fail "of $name it says: $said"
done
"$installer" "" 2>/dev/null && fail "an empty name was taken for a folder"
for flag in --help -h; do
  "$installer" $flag >"$work.log" 2>"$folder/warning" || fail "$flag ends with code $?"
  [[ ! -s "$folder/warning" ]] || fail "$flag says on standard error: $(cat "$folder/warning")"
  cmp -s "$work.log" <(tail -n +2 "$folder/usage") || fail "$flag says: $(cat "$work.log")"
done
! grep -E '.{81}' "$work.log" || fail "--help has lines of more than 80 columns"
exit 0
