#include "networks/published/download.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "networks/published/curl_error.h"
#include "networks/published/digest.h"
#include "networks/published/part_file.h"
#include "third_party/absl/status_macros.h"

namespace networks::published {

namespace {

using CurlHandle = std::unique_ptr<CURL, void (*)(CURL*)>;
using CurlList = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

// The headers of the last response, of those that redirects bring.
struct ResponseHead {
  int status = 0;
  int64_t content_length = -1;
  int64_t range_first = -1;
  int64_t range_total = -1;
  std::string entity_tag;
  std::string last_modified;

  // What tells this version of the file from others, for If-Range: a strong
  // entity tag, else the date of the last change.
  std::string version() const {
    const bool strong =
        !entity_tag.empty() && !absl::StartsWith(entity_tag, "W/");
    return strong ? entity_tag : last_modified;
  }

  void Read(absl::string_view line);

 private:
  void ReadRange(absl::string_view value);
};

// "bytes 100-199/200", "bytes */200".
void ResponseHead::ReadRange(absl::string_view value) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(value, absl::MaxSplits('/', 1));
  const std::pair<absl::string_view, absl::string_view> range =
      absl::StrSplit(parts.first, absl::MaxSplits('-', 1));
  absl::string_view first = range.first;
  if (!absl::ConsumePrefix(&first, "bytes ") ||
      !absl::SimpleAtoi(first, &range_first)) {
    range_first = -1;
  }
  if (!absl::SimpleAtoi(parts.second, &range_total)) range_total = -1;
}

void ResponseHead::Read(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  if (absl::StartsWith(line, "HTTP/")) {
    *this = ResponseHead();
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words.size() < 2 || !absl::SimpleAtoi(words[1], &status)) status = 0;
    return;
  }
  const std::pair<std::string, absl::string_view> field =
      absl::StrSplit(line, absl::MaxSplits(':', 1));
  const std::string name = absl::AsciiStrToLower(field.first);
  const absl::string_view value = absl::StripAsciiWhitespace(field.second);
  if (name == "content-length") {
    if (!absl::SimpleAtoi(value, &content_length)) content_length = -1;
  } else if (name == "content-range") {
    ReadRange(value);
  } else if (name == "etag") {
    entity_tag = std::string(value);
  } else if (name == "last-modified") {
    last_modified = std::string(value);
  }
}

std::string Megabytes(int64_t bytes) {
  return absl::StrCat(bytes / 1000000, ".", bytes / 100000 % 10, " MB");
}

// Whether the same request may be answered in another way later: 202 (not ready
// yet), 408 (it took too long), 425 (too early), 429 (too many requests), a
// server in trouble, and what is said of a part that is thrown away.
bool MayChange(int64_t status) {
  return status == 202 || status == 206 || status == 408 || status == 416 ||
         status == 425 || status == 429 || status >= 500;
}

absl::Status HttpError(const std::string& url, int status) {
  const std::string message =
      absl::StrCat(url, ": the server answered with HTTP status ", status);
  if (status == 404 || status == 410) {
    return absl::NotFoundError(
        absl::StrCat(message, ", there is no such file (any more)"));
  }
  if (!MayChange(status)) return absl::FailedPreconditionError(message);
  return absl::UnavailableError(absl::StrCat(message, "; try again later"));
}

// One connection: asks for what the part lacks and appends it.
class Transfer {
 public:
  Transfer(const std::string& url, PartFile& part,
           const DownloadOptions& options)
      : url_(url), part_(part), options_(options) {}

  absl::Status Run();

  // Whether another connection may get further.
  bool retriable() const { return retriable_; }

 private:
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t,
                        curl_off_t);

  void Configure(CURL* curl);
  absl::Status Begin();
  bool MayBeOfThePart() const;
  int64_t WholeSize() const;
  absl::Status CheckSize() const;
  absl::Status Take(absl::string_view bytes);
  absl::Status Judge(CURL* curl, CURLcode code, const char* curl_message);
  absl::Status JudgeAnswer();
  absl::Status CheckWhole();
  void Report() const;

  const std::string& url_;
  PartFile& part_;
  const DownloadOptions& options_;
  ResponseHead head_;
  bool begun_ = false;
  bool accepted_ = false;
  int64_t total_ = 0;     // bytes of the whole file; 0: not known
  absl::Status failure_;  // of ours, not of the net
  bool retriable_ = false;
};

size_t Transfer::OnHeader(char* data, size_t size, size_t count, void* self) {
  static_cast<Transfer*>(self)->head_.Read({data, size * count});
  return size * count;
}

size_t Transfer::OnBody(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<Transfer*>(self);
  transfer->failure_ = transfer->Take({data, size * count});
  return transfer->failure_.ok() ? size * count : 0;
}

int Transfer::OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t,
                         curl_off_t) {
  const auto& stopped = static_cast<Transfer*>(self)->options_.stopped;
  return stopped && stopped() ? 1 : 0;
}

void Transfer::Configure(CURL* curl) {
  // HTTPS stays HTTPS; plain HTTP is for servers of one's own.
  const bool secure = absl::StartsWithIgnoreCase(url_, "https:");
  const char* protocols = secure ? "https" : "http,https";
  curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols);
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "cpab-fetch-weights");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 30L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                   static_cast<long>(options_.stall_seconds));
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

absl::Status Transfer::Run() {
  const CurlHandle curl(curl_easy_init(), &curl_easy_cleanup);
  if (curl == nullptr) return absl::InternalError("libcurl does not start");
  Configure(curl.get());
  // Ranges by hand, for libcurl's own resuming takes any range for the right
  // one. If-Range: the rest if the file is still the same, else all of it.
  CurlList headers(nullptr, &curl_slist_free_all);
  if (part_.size() > 0 && !part_.version().empty()) {
    for (const std::string& header :
         {absl::StrCat("Range: bytes=", part_.size(), "-"),
          absl::StrCat("If-Range: ", part_.version())}) {
      headers.reset(curl_slist_append(headers.release(), header.c_str()));
    }
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  }
  char message[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, message);
  const CURLcode code = curl_easy_perform(curl.get());
  return Judge(curl.get(), code, message);
}

// Before the first byte of the body: where does it belong? Bodies of other
// answers are not the file's.
absl::Status Transfer::Begin() {
  begun_ = true;
  if (head_.status == 206) {
    total_ = std::max<int64_t>(head_.range_total, 0);
    // Of a file of unknown size no range is known to be its last.
    accepted_ = WholeSize() > 0 && head_.range_first == part_.size() &&
                MayBeOfThePart();
  } else if (head_.status == 200) {
    accepted_ = true;
    total_ = std::max<int64_t>(head_.content_length, 0);
  } else if (head_.status == 416) {
    total_ = std::max<int64_t>(head_.range_total, 0);
  }
  // First: a wrong file must not cost what there is of the right one.
  RETURN_IF_ERROR(CheckSize());
  if (head_.status == 200) return part_.StartOver(head_.version());
  return absl::OkStatus();
}

// Not every server heeds If-Range.
bool Transfer::MayBeOfThePart() const {
  return head_.version().empty() || head_.version() == part_.version();
}

// Bytes of the whole file, by the server or else, for a range, by the caller;
// 0: not known. What a 200 of no stated size brought is all that there is.
int64_t Transfer::WholeSize() const {
  return total_ == 0 && head_.status == 206 ? options_.bytes : total_;
}

absl::Status Transfer::CheckSize() const {
  if (options_.bytes == 0 || total_ == options_.bytes) return absl::OkStatus();
  if (total_ > 0) {
    return absl::DataLossError(
        absl::StrCat(url_, ": has ", total_,
                     " bytes; the file that is meant has ", options_.bytes));
  }
  // Pages made on the fly, such as to log in at, do not tell their size.
  if (!accepted_ || head_.status == 206 || part_.size() == 0) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(
      url_, ": does not tell its size, and ", Megabytes(part_.size()), " of ",
      Megabytes(options_.bytes), " are on the disk; remove ", part_.part_path(),
      " to take the file from there all the same"));
}

absl::Status Transfer::Take(absl::string_view bytes) {
  if (!begun_) RETURN_IF_ERROR(Begin());
  if (!accepted_) return absl::OkStatus();
  RETURN_IF_ERROR(part_.Append(bytes));
  Report();
  return absl::OkStatus();
}

void Transfer::Report() const {
  if (options_.progress) options_.progress(part_.size(), total_);
}

absl::Status Transfer::Judge(CURL* curl, CURLcode code,
                             const char* curl_message) {
  RETURN_IF_ERROR(failure_);
  // No later answer of this server could go on with such a part.
  const bool is_lost = code != CURLE_OK && accepted_ && total_ == 0;
  if (is_lost && part_.version().empty()) RETURN_IF_ERROR(part_.StartOver(""));
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    return absl::CancelledError(
        absl::StrCat(url_, ": stopped with ", Megabytes(part_.size()),
                     " on the disk; run again to go on"));
  }
  // Of a proxy that was asked for a way to an HTTPS server.
  long proxy_status = 0;
  curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  if (proxy_status >= 300 && !MayChange(proxy_status)) {
    return absl::FailedPreconditionError(absl::StrCat(
        url_, ": the proxy answered with HTTP status ", proxy_status));
  }
  if (code == CURLE_OK) return JudgeAnswer();
  std::string reason = absl::StrCat(
      url_, ": ", *curl_message ? curl_message : curl_easy_strerror(code),
      CurlAdvice(code));
  if (IsCut(code)) {
    retriable_ = true;
    absl::StrAppend(&reason, "; ", Megabytes(part_.size()),
                    " are on the disk, run again to go on");
  }
  return absl::Status(CurlErrorCode(code), reason);
}

absl::Status Transfer::JudgeAnswer() {
  if (!begun_) RETURN_IF_ERROR(Begin());  // there was no body
  if (accepted_) return CheckWhole();
  const bool range_refused = head_.status == 416;
  // Nothing is left to send, if it is the same file; the digest will tell.
  if (range_refused && head_.range_total == part_.size() && MayBeOfThePart()) {
    return absl::OkStatus();
  }
  if (range_refused || head_.status == 206) {
    retriable_ = true;
    RETURN_IF_ERROR(part_.StartOver(""));
  }
  return HttpError(url_, head_.status);
}

// A server may send less of the rest than it was asked for.
absl::Status Transfer::CheckWhole() {
  const int64_t whole = WholeSize();
  if (whole == 0 || part_.size() == whole) return absl::OkStatus();
  retriable_ = true;
  const std::string reason =
      absl::StrCat(url_, ": ", part_.size(), " of ", whole, " bytes came");
  if (part_.size() < whole) {
    return absl::UnavailableError(absl::StrCat(reason, "; run again to go on"));
  }
  RETURN_IF_ERROR(part_.StartOver(""));
  return absl::DataLossError(absl::StrCat(reason, "; they were thrown away"));
}

// Of what came without a size, in one piece.
absl::Status CheckBytes(const std::string& url, PartFile& part, int64_t bytes) {
  if (bytes == 0 || part.size() == bytes) return absl::OkStatus();
  part.Remove();
  return absl::DataLossError(absl::StrCat(url, ": what came has ", part.size(),
                                          " bytes; the file that is meant has ",
                                          bytes, "; it was thrown away"));
}

absl::Status TransferAll(const std::string& url, PartFile& part,
                         const DownloadOptions& options) {
  int64_t most = part.size();  // A server may have us start over for ever.
  for (int idle = 0;;) {
    Transfer transfer(url, part, options);
    const absl::Status status = transfer.Run();
    if (status.ok() || !transfer.retriable()) return status;
    idle = part.size() > most ? 0 : idle + 1;
    if (idle > options.retries) return status;
    most = std::max(most, part.size());
  }
}

void StartLibcurl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

}  // namespace

absl::StatusOr<std::string> Download(const std::string& url,
                                     const std::string& path,
                                     const DownloadOptions& options) {
  StartLibcurl();
  ASSIGN_OR_RETURN(PartFile part, PartFile::Open(path, options.part_suffix));
  RETURN_IF_ERROR(TransferAll(url, part, options));
  RETURN_IF_ERROR(CheckBytes(url, part, options.bytes));
  if (options.check) {
    const absl::Status checked = options.check(part.part_path());
    if (!checked.ok()) {
      part.Remove();
      return absl::Status(checked.code(),
                          absl::StrCat(url, ": ", checked.message()));
    }
  }
  ASSIGN_OR_RETURN(const std::string digest, Sha256OfFile(part.part_path()));
  if (!absl::StartsWith(digest, options.sha256)) {
    part.Remove();
    return absl::DataLossError(absl::StrCat(
        url, ": what came has the SHA-256 ", digest, ", which should begin ",
        options.sha256, options.sha256_origin, "; it was thrown away"));
  }
  RETURN_IF_ERROR(part.Finish());
  return digest;
}

}  // namespace networks::published
