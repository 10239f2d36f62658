#!/bin/bash
# tools/bazelw installs every package that third_party/repositories.bzl names.
missing=0
for package in $(sed -n 's/.*debian_package = "\(.*\)",/\1/p' third_party/repositories.bzl); do
  grep -q "^$package  *\/" tools/bazelw || {
    echo "tools/bazelw does not install $package"
    missing=1
  }
done
exit $missing
