#!/bin/bash
# pose_metrics as a user runs it, on tables whose scores are known.
program=tools/pose_metrics
. pipelines/app/program_testing.sh
export CPAB_USER_DIRECTORY=$TEST_TMPDIR

cat >"$TEST_TMPDIR/real.csv" <<END
file_name,frame_number,x0,y0,x1,y1
a,0,0,0,10,0
a,1,0,0,10,0
END
cat >"$TEST_TMPDIR/generated.csv" <<END
file_name,frame_number,x0,y0,x1,y1
a,0,3,4,10,0
a,1,0,0,,
END
cat >"$TEST_TMPDIR/real_faces.csv" <<END
file_name,frame_number,e0,e1
a,0,1,1
END
cat >"$TEST_TMPDIR/faces.csv" <<END
file_name,frame_number,e0,e1
a,0,4,5
END

# The first frame differs by 3, 4, 0 and 0, the second by nothing in its only
# keypoint; of four keypoints one is missing. The embeddings are 5 apart.
keypoints=(--real_keypoints real.csv --keypoints generated.csv)
embeddings=(--real_embeddings real_faces.csv --embeddings faces.csv)
succeed "AKD 0.875, of 2 frames
MKR 0.25, of 2 frames" "${keypoints[@]}"
succeed "AED 25 (squared, as papers report it; Euclidean 5), of 1 frames" \
  "${embeddings[@]}" --output scores.json
expect_files "$TEST_TMPDIR/scores.json"
grep -q '"aed": 25,' "$TEST_TMPDIR/scores.json" || complain "no AED in JSON"

expect_safe_output "$TEST_TMPDIR/scores.json" "$TEST_TMPDIR/generated.csv" \
  "${keypoints[@]}" --output scores.json
grep -q '"akd"' "$TEST_TMPDIR/scores.json" || complain "no AKD in JSON"
for input in real.csv real_faces.csv faces.csv; do
  expect 2 "is the input" "${keypoints[@]}" "${embeddings[@]}" --output $input --overwrite
done

expect 2 "nothing to compare"
expect 2 "belong together" --keypoints generated.csv
expect 2 "unexpected argument 'stray'" "${keypoints[@]}" stray
expect 1 "nowhere.csv" --real_keypoints nowhere.csv --keypoints generated.csv
expect 1 "real.csv:3: the generated side has no frame 1" --real_keypoints real.csv --keypoints real_faces.csv
expect_help real_keypoints keypoints real_embeddings embeddings output overwrite
finish
