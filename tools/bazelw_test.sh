#!/bin/bash
# tools/bazelw installs every package that third_party/repositories.bzl names.
missing=0
for package in $(sed -n 's/.*debian_package = "\(.*\)",/\1/p' third_party/repositories.bzl); do
  grep -q "^$package  *\/" tools/bazelw || {
    echo "tools/bazelw does not install $package"
    missing=1
  }
done
# Both spellings of a config.
eval "$(sed -n '/^readonly NEEDED=/,/^}/p' tools/bazelw)"
compgen() { return 1; } # as if nothing were installed
for words in "test --config=asan //..." "test --config asan //..."; do
  # shellcheck disable=SC2086 # several words
  missing_packages $words | grep -qx libclang-rt-dev || {
    echo "tools/bazelw $words does not install libclang-rt-dev"
    missing=1
  }
done
exit $missing
