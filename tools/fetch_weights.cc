// Fetches published weight files; see kUsage.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/files/folder.h"
#include "networks/published/fetch.h"
#include "networks/published/weight_files.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/progress.h"
#include "pipelines/base/nearest_word.h"
#include "pipelines/base/stop_signal.h"
#include "pipelines/base/user_path.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(std::string, dir, "",
          "Folder for the files; default: the cache, where training looks.");
ABSL_FLAG(bool, list, false, "Lists the files that can be fetched.");
ABSL_FLAG(bool, force, false, "Downloads anew what is there.");
ABSL_FLAG(std::string, mirror, "",
          "Web address of a folder with the files, instead of where their "
          "authors publish them. The digests are checked all the same.");

namespace {

namespace published = networks::published;

constexpr char kUsage[] =
    R"(Fetches published weights of networks, by name.

  tools/bazelw run //tools:fetch_weights -- tps-vox
      a whole model, which knows faces, for animate --checkpoint; tps-taichi,
      tps-ted and tps-mgif know whole bodies, upper bodies and drawn animals
  tools/bazelw run //tools:fetch_weights -- vgg19 dino-vitb8 sam-vit-b
      frozen networks of losses, for training
  tools/bazelw run //tools:fetch_weights -- --list
      what there is, what each is for, its size as far as it is known, whose
      it is and its licence
  tools/bazelw run //tools:fetch_weights -- --dir weights \
      --mirror https://files.example.org/weights sam_vit_b_01ec64.pth
      from elsewhere, to a folder of your own

An interrupted download goes on where it was when the command is run again. Each
file is checked against its published SHA-256, or against the one recorded in
NAME.sha256 when it first came; a file that is there is only checked. Where a
file has several sources, they are tried in turn.

Exit codes: 0 done, 1 a file is damaged, not where it should be or refused by
the server, 2 bad flag; above 128, run again to go on: 129 no network, server in
trouble, disk full or folder read-only, 130 Ctrl-C, 143 SIGTERM.)";

std::string Megabytes(int64_t bytes) {
  return absl::StrFormat("%.1f MB", static_cast<double>(bytes) * 1e-6);
}

void List(const std::string& folder) {
  std::printf("In %s:\n", folder.c_str());
  int num_there = 0;
  int64_t bytes_there = 0;
  for (const published::WeightFile& file : published::WeightFiles()) {
    std::error_code error;
    const std::uintmax_t size =
        std::filesystem::file_size(absl::StrCat(folder, "/", file.name), error);
    const bool there = !error;
    const int64_t bytes = there ? static_cast<int64_t>(size) : file.bytes;
    if (there) {
      ++num_there;
      bytes_there += bytes;
    }
    absl::PrintF("  %-8s %-17s %9s  %s\n", there ? "fetched" : "-",
                 file.short_name, bytes > 0 ? Megabytes(bytes) : "-",
                 file.purpose);
    absl::PrintF(
        "%s", pipelines::Wrapped(absl::StrCat(file.name, "; ", file.origin,
                                              ". Licence: ", file.licence, "."),
                                 /*indent=*/11));
  }
  absl::PrintF("%d of %d files are here, %s.\n", num_there,
               published::WeightFiles().size(), Megabytes(bytes_there));
}

absl::StatusOr<published::WeightFile> FileCalled(const std::string& name) {
  absl::StatusOr<published::WeightFile> file =
      published::WeightFileByName(name);
  if (file.ok()) return file;
  const std::optional<std::string> nearest =
      pipelines::NearestWord(name, published::ShortNames());
  return pipelines::UsageError(
      nearest ? absl::InvalidArgumentError(
                    absl::StrCat("there are no published weights '", name,
                                 "'. Did you mean ", *nearest, "?"))
              : file.status());
}

// The bar starts when the size is known, and not for what is there already. It
// starts again where another answer, as of the next source, has another size.
class DownloadProgress {
 public:
  explicit DownloadProgress(const published::WeightFile& file)
      : name_(file.name) {}

  void Update(int64_t done, int64_t total) {
    constexpr int64_t kMegabyte = 1000000;
    if (bar_ == nullptr || total != total_) {
      bar_.reset();
      total_ = total;
      pipelines::ProgressOptions options;
      options.title = name_;
      options.total = total / kMegabyte;
      options.done = done / kMegabyte;
      options.unit = "MB";
      bar_ = std::make_unique<pipelines::ProgressBar>(options);
    }
    bar_->Update(done / kMegabyte);
  }

  void Finish() {
    if (bar_ != nullptr) bar_->Finish();
  }

 private:
  std::string name_;
  int64_t total_ = 0;  // bytes, of bar_
  std::unique_ptr<pipelines::ProgressBar> bar_;
};

absl::Status FetchOne(published::WeightFile file, const std::string& folder) {
  DownloadProgress progress(file);
  const std::string mirror = absl::GetFlag(FLAGS_mirror);
  const std::string mirrored =
      absl::StrCat(mirror, absl::EndsWith(mirror, "/") ? "" : "/", file.name);
  if (!mirror.empty()) {
    file.urls = {};
    file.urls.back() = mirrored;
  }
  published::FetchOptions options;
  options.force = absl::GetFlag(FLAGS_force);
  options.download.stopped = [] { return pipelines::StopSignal() != 0; };
  options.download.progress = [&](int64_t done, int64_t total) {
    progress.Update(done, total);
  };
  std::error_code error;
  const bool was_there =
      std::filesystem::exists(absl::StrCat(folder, "/", file.name), error);
  const absl::StatusOr<published::FetchResult> result =
      published::Fetch(file, folder, options);
  if (absl::IsCancelled(result.status())) {
    return pipelines::StoppedBySignal(pipelines::StopSignal());
  }
  if (absl::IsDataLoss(result.status()) && was_there && !options.force) {
    return absl::DataLossError(
        absl::StrCat(result.status().message(), ", or give --force"));
  }
  RETURN_IF_ERROR(result.status());
  progress.Finish();
  for (const std::string& warning : result->warnings) {
    pipelines::PrintLine(stderr,
                         absl::StrCat("fetch_weights: warning: ", warning));
  }
  absl::PrintF("%s  %s (SHA-256 %s...%s)\n",
               result->downloaded ? "fetched" : "was there, whole:",
               result->path, result->sha256.substr(0, 8),
               result->is_first ? ", which nobody publishes: recorded, and "
                                  "asked of later copies"
                                : "");
  absl::PrintF("  %s. Licence: %s.\n", file.origin, file.licence);
  return absl::OkStatus();
}

// Where the home folder cannot be used, as of a service.
absl::Status MakeDefaultFolder(const std::string& folder) {
  const absl::Status status = networks::files::MakeFolder(folder);
  if (status.ok()) return status;
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(),
                   "; name another cache by XDG_CACHE_HOME, or a folder by "
                   "--dir"));
}

absl::Status Run(const pipelines::CommandLine& command_line) {
  const std::string dir = pipelines::UserPath(absl::GetFlag(FLAGS_dir));
  const std::string folder =
      dir.empty() ? published::WeightsFolder(pipelines::CacheFolder()) : dir;
  if (absl::GetFlag(FLAGS_list)) {
    if (!command_line.arguments.empty() || absl::GetFlag(FLAGS_force) ||
        !absl::GetFlag(FLAGS_mirror).empty()) {
      return pipelines::UsageError(absl::InvalidArgumentError(
          "--list fetches nothing; leave it out, or leave out names, --force "
          "and --mirror"));
    }
    List(folder);
    return absl::OkStatus();
  }
  if (command_line.arguments.empty()) {
    return pipelines::UsageError(absl::InvalidArgumentError(
        "which weights? --list shows what there is"));
  }
  if (const std::string mirror = absl::GetFlag(FLAGS_mirror);
      !mirror.empty() && !absl::StartsWith(mirror, "http://") &&
      !absl::StartsWith(mirror, "https://")) {
    return pipelines::UsageError(absl::InvalidArgumentError(absl::StrCat(
        "--mirror is '", mirror,
        "'; use an address that begins with http:// or https://")));
  }
  std::vector<published::WeightFile> files;  // all names before any download
  for (const std::string& name : command_line.arguments) {
    ASSIGN_OR_RETURN(const published::WeightFile file, FileCalled(name));
    files.push_back(file);
  }
  if (dir.empty()) RETURN_IF_ERROR(MakeDefaultFolder(folder));
  pipelines::CatchStopSignals();
  for (const published::WeightFile& file : files) {
    RETURN_IF_ERROR(FetchOne(file, folder));
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram({"fetch_weights", kUsage, __FILE__}, argc, argv,
                               Run);
}
