#!/bin/bash
# Programs in a locale with decimal commas and with folders whose names hold any
# bytes, without HOME and without a folder for temporary files: the same numbers
# and the same files.
. pipelines/app/program_testing.sh

programs=$PWD
plain=$TEST_TMPDIR/plain
odd=$TEST_TMPDIR/$'odd \xff\xfe %d "name"\n*?[a] \xe2\x98\x83'
mkdir -p "$plain" "$odd" "$TEST_TMPDIR/locales"
cp pipelines/pretrained/{puppet.png,dance.mp4} "$plain"
cp pipelines/pretrained/{puppet.png,dance.mp4} "$odd"
for folder in "$plain" "$odd"; do
  printf 'file_name,frame_number,x0,y0\na,0,0.5,1.25\n' >"$folder/real.csv"
  printf 'file_name,frame_number,x0,y0\na,0,2,-0.75\n' >"$folder/found.csv"
  printf 'data { puppets {} } losses { perceptual { untrained: true } } training { learning_rate: 0.000125 }\n' >"$folder/config.textproto"
done

commas=C
if localedef -i de_DE -f UTF-8 "$TEST_TMPDIR/locales/de_DE.UTF-8" 2>"$TEST_TMPDIR/stderr"; then
  export LOCPATH=$TEST_TMPDIR/locales
  commas=de_DE.UTF-8
  [[ $(LC_ALL=$commas printf '%.1f' 0,5) == 0,5 ]] ||
    complain "the locale has no decimal comma"
else
  echo "SKIPPED: decimal commas; localedef makes no locale: $(<"$TEST_TMPDIR/stderr")"
fi

# in_place FOLDER LOCALE PROGRAM ARGUMENT...: runs it where FOLDER stands.
in_place() {
  local folder=$1 locale=$2 program=$3
  shift 3
  env -u HOME -u XDG_CACHE_HOME LC_ALL="$locale" TMPDIR=/nonexistent \
    CPAB_USER_DIRECTORY="$folder" "$programs/$program" "$@"
}

# alike NAME PROGRAM ARGUMENT...: says the same on standard output in both, to
# NAME in each folder.
alike() {
  local name=$1 folder
  shift
  in_place "$plain" C "$@" >"$plain/$name" 2>"$plain/stderr" ||
    complain "$*: exit code $?: $(<"$plain/stderr")"
  in_place "$odd" "$commas" "$@" >"$odd/$name" 2>"$odd/stderr" ||
    complain "$*, with decimal commas: exit code $?: $(<"$odd/stderr")"
  cmp "$plain/$name" "$odd/$name" || complain "$*: differs"
}

# Numbers of flags, of files and of tables, and those that are written.
animate=(pipelines/animate --source puppet.png --driving dance.mp4 --threads 1
  --max_frames 3 --motion_scale 1=0.25 --smooth --smooth_cutoff 1.5)
alike quiet.txt "${animate[@]}" --quiet --output frames \
  --save_keypoints keypoints.npy --save_motion dance.motion.safetensors
for file in frames/00000{0,1,2}.png keypoints.npy dance.motion.safetensors; do
  cmp "$plain/$file" "$odd/$file" || complain "$file: differs"
done
alike config.txt pipelines/train --config config.textproto --print_config \
  --set training.ema_decay=0.875
grep -q 'learning_rate: 0.000125$' "$odd/config.txt" ||
  complain "the config's number is not read: $(<"$odd/config.txt")"
alike scores.txt tools/pose_metrics --real_keypoints real.csv \
  --keypoints found.csv --output scores.json
grep -q 'AKD 1.75' "$odd/scores.txt" || complain "$(<"$odd/scores.txt")"
cmp "$plain/scores.json" "$odd/scores.json" || complain "scores.json: differs"

# JSON has points between digits, and the name's bytes do not break it.
in_place "$odd" "$commas" "${animate[@]}" --json --output with_json.mp4 \
  >"$odd/report.json" || complain "--json: exit code $?"
grep -q '"frames_per_second": [0-9]*\.[0-9]' "$odd/report.json" ||
  complain "--json: $(<"$odd/report.json")"
grep -q '[0-9],[0-9]' "$odd/report.json" &&
  complain "--json has decimal commas: $(<"$odd/report.json")"
iconv -f UTF-8 -t UTF-8 "$odd/report.json" >/dev/null ||
  complain "--json is no UTF-8"

# What does not fit says so with a point, too.
program=pipelines/animate
export LC_ALL=$commas
expect 2 "--fade is 0.75; use 0 to 0.5" --paste_back --fade 0.75 --output none.mp4
expect 2 "--smooth_cutoff" --smooth --smooth_cutoff 1,5 --output none.mp4
finish
