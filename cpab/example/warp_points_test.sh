#!/bin/bash
# Runs the example and checks what it says.
set -eu
output=$("$1")
echo "$output"
[[ "$output" == *"T(0.45, 0.5) = "* ]]
[[ "$output" == *"there and back: yes"* ]]
