#!/bin/bash
# Runs a trial as a test.
exec "$@"
