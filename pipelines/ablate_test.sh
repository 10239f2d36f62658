#!/bin/bash
# What ablate says to bad flags. A study that it carries out is in
# study/runner_test.cc.
program=pipelines/ablate
. pipelines/app/program_testing.sh

study=(--study motion-models-demo --output "$TEST_TMPDIR/study")
expect 2 "--study is needed"
expect 2 "none-such" --study none-such
expect 2 "unexpected argument 'stray'" "${study[@]}" stray
expect 2 "--seeds has 'x'" "${study[@]}" --seeds x
expect 2 "--steps and --minutes are of each run" "${study[@]}" --steps -1
expect 2 "--steps and --minutes are two budgets" "${study[@]}" --steps 2 --minutes 3
expect 2 "--evaluate_again has no effect" "${study[@]}" --report_only --evaluate_again
# Not by each of its runs.
expect 2 "abacus" "${study[@]}" --device abacus
expect 2 "threads" "${study[@]}" --threads -1
expect_none "$TEST_TMPDIR/study"
expect_help study output seeds steps minutes device threads evaluate_again report_only set
finish
