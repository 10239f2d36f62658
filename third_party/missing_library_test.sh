#!/bin/bash
# What a missing library says, by its command run as Bazel runs it: with an empty
# argument in the place of the shell's name.
command=$(sed -n 's/^ *command = "\(.*\)",$/\1/p' third_party/system_targets.bzl | sed 's/\\"/"/g')
said=$(bash -c "$command" '' 'The library x is not installed.' 2>&1)
[[ "$said" == 'The library x is not installed.' ]] || {
  echo "it says '$said'"
  exit 1
}
