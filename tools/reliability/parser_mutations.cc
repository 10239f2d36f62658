// tools/bazelw run //tools/reliability:parser_mutations: see kUsage.
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "networks/files/atomic_file.h"
#include "networks/files/read_file.h"
#include "networks/weights/pytorch_format.h"
#include "networks/weights/safetensors_header.h"
#include "pipelines/animation/motion_file.h"
#include "pipelines/config/config.h"
#include "pipelines/media/npy.h"
#include "tools/cut_clips/clip_list.h"
#include "tools/reliability/mutation_program.h"

namespace reliability {
namespace {

constexpr char kUsage[] =
    R"(Reads damaged weights, configs, tables, arrays and motion files, and checks
that none of them crashes, hangs, or fails without its name.

  tools/bazelw run --config=asan --config=ubsan \
      //tools/reliability:parser_mutations -- --trials 1000000

Small files of every kind are made, and each trial changes one of them in one to
four places. Under the sanitizers, accesses beyond a file's memory are found.

Exit codes: 0 all well, 1 not, 2 bad flag.)";

std::string FileAt(const std::string& path) {
  const auto bytes = networks::files::ReadFile(path);
  if (!bytes.ok()) std::abort();  // it comes with the program
  return *bytes;
}

std::string Safetensors() {
  const std::string header =
      R"({"__metadata__":{"format":"pt","note":"a \u00e4"},)"
      R"("layer.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("step":{"dtype":"I64","shape":[],"data_offsets":[24,32]}})";
  std::string file(8, '\0');
  file[0] = static_cast<char>(header.size());
  return file + header + std::string(32, '\1');
}

std::string MotionFile(const std::string& folder) {
  const std::string path = folder + "/seed.motion.safetensors";
  pipelines::RecordedMotion motion;
  motion.num_sets = 2;
  motion.keypoints_per_set = 3;
  auto writer = pipelines::MotionFileWriter::Create(path, motion);
  if (!writer.ok()) std::abort();
  const std::vector<float> keypoints(12, 0.25f);
  for (int64_t i = 0; i < 4; ++i) writer->Add(keypoints.data(), i, 1);
  if (!writer->Finish().ok()) std::abort();
  return FileAt(path);
}

std::string Array(const std::string& folder) {
  const std::string path = folder + "/seed.npy";
  auto writer = pipelines::media::NpyWriter::Create(path);
  if (!writer.ok()) std::abort();
  const std::vector<float> row(6, 0.5f);
  if (!writer->Write(row.data(), {2, 3}).ok() || !writer->Finish().ok()) {
    std::abort();
  }
  return FileAt(path);
}

// A kind, its whole file, and the status of reading a damaged one.
struct Kind {
  const char* name;
  std::string (*make)(const std::string& folder);
  absl::Status (*read)(const std::string& bytes, const std::string& folder);
};

constexpr char kConfig[] =
    "# A run.\ndata { puppets { num_train: 6 } height: 64 width: 64 }\n"
    "model { num_transforms: 2 dense_motion { num_blocks: 2 } }\n"
    "losses { perceptual { untrained: true scales: [1, 0.5] } }\n"
    "training { learning_rate: 0.0002 milestones: [60, 90] }\n";

constexpr char kClips[] =
    "file,start,end,box,partition\na.mp4,0,1.5,0-0-64-64,train\n"
    "\"b, c.mp4\",2,3,10 10 74 74,test\n";

absl::Status ReadArray(const std::string& bytes, const std::string& folder) {
  const std::string path = absl::StrCat(folder, "/", kMutatedName);
  const absl::Status written = networks::files::WriteAtomically(path, bytes);
  if (!written.ok()) return written;
  return pipelines::media::ReadNpy(path).status();
}

const Kind kKinds[] = {
    {"safetensors", [](const std::string&) { return Safetensors(); },
     [](const std::string& bytes, const std::string&) {
       return networks::weights::ParseSafetensorsHeader(bytes, kMutatedName)
           .status();
     }},
    {"pth, zip",
     [](const std::string&) {
       return FileAt("networks/weights/testdata/tiny_zip.pth");
     },
     [](const std::string& bytes, const std::string&) {
       return networks::weights::ParsePytorch(bytes, kMutatedName).status();
     }},
    {"pth, legacy",
     [](const std::string&) {
       return FileAt("networks/weights/testdata/tiny_legacy.pth");
     },
     [](const std::string& bytes, const std::string&) {
       return networks::weights::ParsePytorch(bytes, kMutatedName).status();
     }},
    {"config", [](const std::string&) { return std::string(kConfig); },
     [](const std::string& bytes, const std::string&) {
       return pipelines::ParseConfig(kMutatedName, bytes, {}).status();
     }},
    {"clip list", [](const std::string&) { return std::string(kClips); },
     [](const std::string& bytes, const std::string&) {
       return tools::ParseClipList(bytes, kMutatedName).status();
     }},
    {"npy", Array, ReadArray},
    {"motion file", MotionFile,
     [](const std::string& bytes, const std::string&) {
       return pipelines::ParseMotionFile(bytes, kMutatedName).status();
     }},
};

std::vector<Seed> MakeSeeds(const std::string& folder) {
  std::vector<Seed> seeds;
  for (const Kind& kind : kKinds) {
    seeds.push_back({kind.name, kind.make(folder)});
  }
  return seeds;
}

std::string Read(const Seed& seed, std::string bytes, int64_t /*trial*/,
                 const std::string& folder) {
  for (const Kind& kind : kKinds) {
    if (seed.kind == kind.name) {
      return WhatIsWrongWith(kind.read(bytes, folder));
    }
  }
  return "no such kind";
}

}  // namespace
}  // namespace reliability

int main(int argc, char** argv) {
  return reliability::RunMutationProgram(
      {"parser_mutations", reliability::kUsage, reliability::MakeSeeds,
       reliability::Read},
      argc, argv);
}
