#include "pipelines/media/file_io.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"

namespace pipelines::data {
namespace {

absl::Status ErrnoStatus(const std::string& path) {
  return absl::ErrnoToStatus(errno, path);
}

// Digit runs compare by their value, all else by character.
bool NaturalLess(const std::string& a, const std::string& b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!std::isdigit(static_cast<unsigned char>(a[i])) ||
        !std::isdigit(static_cast<unsigned char>(b[j]))) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
      continue;
    }
    const auto digits = [](const std::string& text, size_t& at) {
      while (at < text.size() && text[at] == '0') ++at;
      const size_t begin = at;
      while (at < text.size() &&
             std::isdigit(static_cast<unsigned char>(text[at]))) {
        ++at;
      }
      return text.substr(begin, at - begin);
    };
    const std::string x = digits(a, i), y = digits(b, j);
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
  return a < b;  // 01 and 1: any order, but always the same
}

absl::Status WriteAll(int fd, std::string_view content,
                      const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(path);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(path);
  struct stat info;
  if (fstat(fd, &info) != 0 || S_ISDIR(info.st_mode)) {
    close(fd);
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is a folder, not a file"));
  }
  // Devices and pipes state no size, so read until the end.
  std::string content;
  content.reserve(static_cast<size_t>(info.st_size) + 1);
  size_t size = 0;
  while (true) {
    content.resize(std::max(content.capacity(), size + (size_t{1} << 16)));
    const ssize_t got = read(fd, &content[size], content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const absl::Status status = ErrnoStatus(path);
      close(fd);
      return status;
    }
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  close(fd);
  content.resize(size);
  if (content.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
  }
  return content;
}

std::string PartialPath(const std::string& path) { return path + ".partial"; }

absl::Status PublishPartialFile(const std::string& path) {
  const std::string partial = PartialPath(path);
  const int fd = open(partial.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(partial);
  const bool synced = fsync(fd) == 0;
  close(fd);
  if (synced && rename(partial.c_str(), path.c_str()) == 0) {
    return absl::OkStatus();
  }
  const absl::Status status = ErrnoStatus(path);
  unlink(partial.c_str());
  return status;
}

absl::Status WriteFile(const std::string& path, std::string_view content) {
  const std::string partial = PartialPath(path);
  const int fd =
      open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return ErrnoStatus(path);
  const absl::Status written = WriteAll(fd, content, path);
  close(fd);
  if (!written.ok()) {
    unlink(partial.c_str());
    return written;
  }
  return PublishPartialFile(path);
}

absl::StatusOr<std::vector<std::string>> ListFolder(const std::string& folder) {
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return ErrnoStatus(folder);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(dir)) {
    if (entry->d_name[0] != '.') names.push_back(entry->d_name);
  }
  closedir(dir);
  std::sort(names.begin(), names.end(), NaturalLess);
  return names;
}

std::string BaseName(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return path;
  const size_t slash = path.find_last_of('/', end);
  const size_t begin = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(begin, end + 1 - begin);
}

std::string Stem(const std::string& path) {
  const std::string name = BaseName(path);
  const size_t dot = name.find_last_of('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

}  // namespace pipelines::data
