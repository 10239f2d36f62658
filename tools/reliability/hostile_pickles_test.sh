#!/bin/bash
# hostile_pickles at small size; README.md has the figures of a long run.
said=$(tools/reliability/hostile_pickles --trials 20 --first_seed 1000) || {
  echo "$said"
  exit 1
}
[[ "$said" == "20 pickles with 12 opcodes: 0 failures" ]] || {
  echo "$said"
  exit 1
}
