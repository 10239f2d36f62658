#!/bin/bash
# The example moves a puppet by all frames of the bundled video, and says what it
# cannot read.
program=pipelines/animation/animator_example
. pipelines/app/program_testing.sh

checkpoint=pipelines/pretrained/puppets-128.safetensors
still=pipelines/pretrained/puppet.png
driving=pipelines/pretrained/dance.mp4
frames=98

folder=$TEST_TMPDIR/frames
mkdir "$folder"
$program $checkpoint $still $driving "$folder" ||
  complain "exit code $?"
count=$(ls "$folder" | wc -l)
[ "$count" = $frames ] || complain "$count pictures instead of $frames"
expect_files "$folder"/{0,1,40,97}.png
cmp -s "$folder/0.png" "$folder/40.png" && complain "the figure is at rest"

expect 2 "usage: " $checkpoint
expect 1 "nowhere.safetensors" nowhere.safetensors $still $driving "$folder"
expect 1 "nowhere.png" $checkpoint nowhere.png $driving "$folder"
expect 1 "nowhere.mp4" $checkpoint $still nowhere.mp4 "$folder"
finish
