#include "networks/published/fetch.h"

#include <cstddef>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
#include "networks/files/read_file.h"
#include "networks/published/digest.h"
#include "networks/published/part_file.h"
#include "networks/weights/not_weights.h"
#include "third_party/absl/status_macros.h"

namespace networks::published {

namespace {

std::string RecordPath(const std::string& path) { return path + ".sha256"; }

// The digest recorded for the file at `path`; "" if there is none. A record
// that cannot be read is an error: taken for none, it would be replaced by the
// digest of what lies there now.
absl::StatusOr<std::string> RecordedDigest(const std::string& path) {
  const absl::StatusOr<std::string> record = files::ReadFile(RecordPath(path));
  if (absl::IsNotFound(record.status())) return "";
  if (!record.ok()) {
    return absl::Status(
        record.status().code(),
        absl::StrCat(record.status().message(), "; it holds the digest of the ",
                     "first copy: make it a file that you may read"));
  }
  return record->substr(0, record->find_first_of(" \n"));
}

absl::Status Record(const std::string& path, const WeightFile& file,
                    const std::string& digest) {
  return files::WriteAtomically(RecordPath(path),
                                absl::StrCat(digest, "  ", file.name, "\n"));
}

// What the file's digest must begin with, as far as is known, and for messages
// who says so, unless it is published.
struct ExpectedDigest {
  std::string digits;
  std::string origin;
};

absl::StatusOr<ExpectedDigest> Expect(const WeightFile& file,
                                      const std::string& path) {
  ASSIGN_OR_RETURN(const std::string recorded, RecordedDigest(path));
  if (recorded == file.sha256 || !absl::StartsWith(recorded, file.sha256)) {
    return ExpectedDigest{std::string(file.sha256), ""};
  }
  return ExpectedDigest{
      recorded,
      absl::StrCat(" (recorded of the first copy in ", RecordPath(path),
                   "; remove that file if it was wrong)")};
}

// PyTorch writes zip archives, before version 1.6 pickles of protocol 2.
absl::Status CheckIsPyTorchFile(const std::string& path) {
  files::ReadOptions options;
  options.first_bytes = 512;
  ASSIGN_OR_RETURN(const std::string start, files::ReadFile(path, options));
  if (absl::StartsWith(start, "PK") || absl::StartsWith(start, "\x80\x02")) {
    return absl::OkStatus();
  }
  const std::string what = weights::WhatInsteadOfWeights(start);
  return absl::DataLossError(absl::StrCat(
      "what came is no PyTorch file but ",
      what.empty() ? "something else" : what, "; it was thrown away"));
}

absl::StatusOr<FetchResult> Verify(const WeightFile& file,
                                   const std::string& path,
                                   const ExpectedDigest& expected) {
  ASSIGN_OR_RETURN(const std::string digest, Sha256OfFile(path));
  if (!absl::StartsWith(digest, expected.digits)) {
    return absl::DataLossError(
        absl::StrCat(path, " has the SHA-256 ", digest, ", which should begin ",
                     expected.digits, expected.origin,
                     ": it is damaged or another file; remove it to fetch it "
                     "anew"));
  }
  FetchResult result;
  result.path = path;
  result.sha256 = digest;
  ASSIGN_OR_RETURN(const std::string recorded_digest, RecordedDigest(path));
  if (recorded_digest == digest) return result;
  const absl::Status recorded = Record(path, file, digest);
  if (!recorded.ok() && file.sha256 != digest) {
    result.warnings.push_back(absl::StrCat(recorded.message(),
                                           "; later calls cannot tell whether ",
                                           path, " has changed"));
  }
  return result;
}

// Whether another source may have what this one has not.
bool MayHelp(const absl::Status& failure) {
  return absl::IsUnavailable(failure) || absl::IsNotFound(failure) ||
         absl::IsFailedPrecondition(failure) || absl::IsDataLoss(failure) ||
         absl::IsInvalidArgument(failure);
}

// ".part", ".part2" and so on are of the sources in their order.
std::string PartSuffix(size_t source) {
  return source == 0 ? "" : absl::StrCat(source + 1);
}

// What other sources brought of a file that is there now.
void RemoveParts(const WeightFile& file, const std::string& path) {
  for (size_t i = 0; i < file.urls.size(); ++i) {
    absl::StatusOr<PartFile> part = PartFile::Open(path, PartSuffix(i));
    if (part.ok()) part->Remove();
  }
}

// The file's digest; what failed before goes to `failures`.
absl::StatusOr<std::string> DownloadFromAny(
    const WeightFile& file, const std::string& path, DownloadOptions options,
    std::vector<std::string>* failures) {
  // What keeps us from writing is no source's fault.
  RETURN_IF_ERROR(PartFile::Open(path).status());
  absl::Status last = absl::InvalidArgumentError("there is no source");
  bool try_again = false;
  for (size_t i = 0; i < file.urls.size(); ++i) {
    if (file.urls[i].empty()) continue;
    options.part_suffix = PartSuffix(i);
    const absl::StatusOr<std::string> digest =
        Download(std::string(file.urls[i]), path, options);
    if (digest.ok()) RemoveParts(file, path);
    if (digest.ok() || !MayHelp(digest.status())) return digest;
    last = digest.status();
    try_again = try_again || absl::IsUnavailable(last);
    failures->emplace_back(last.message());
  }
  return absl::Status(try_again ? absl::StatusCode::kUnavailable : last.code(),
                      failures->empty() ? std::string(last.message())
                                        : absl::StrJoin(*failures, "\n"));
}

}  // namespace

absl::StatusOr<FetchResult> Fetch(const WeightFile& file,
                                  const std::string& folder,
                                  const FetchOptions& options) {
  RETURN_IF_ERROR(files::MakeFolder(folder));
  const std::string path = absl::StrCat(folder, "/", file.name);
  ASSIGN_OR_RETURN(const ExpectedDigest expected, Expect(file, path));
  std::error_code error;
  if (!options.force && std::filesystem::exists(path, error)) {
    return Verify(file, path, expected);
  }
  DownloadOptions download = options.download;
  download.sha256 = expected.digits;
  download.sha256_origin = expected.origin;
  download.bytes = file.bytes;
  download.check = CheckIsPyTorchFile;
  FetchResult result;
  result.path = path;
  result.downloaded = true;
  result.is_first = expected.digits.empty();
  ASSIGN_OR_RETURN(result.sha256,
                   DownloadFromAny(file, path, download, &result.warnings));
  RETURN_IF_ERROR(Record(path, file, result.sha256));
  return result;
}

}  // namespace networks::published
