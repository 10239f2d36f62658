#include "tools/studio/runs/run_reader.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/base/field_error.h"
#include "tools/studio/runs/event_follower.h"
#include "tools/studio/runs/run_finder.h"
#include "tools/studio/runs/run_lock.h"
#include "tools/studio/runs/safe_folder.h"
#include "tools/studio/runs/table_follower.h"

namespace studio {
namespace {

using nlohmann::json;

constexpr int kMaxPoints = 1000;             // of a series
constexpr int64_t kBytesPerCall = 32 << 20;  // of each kind of file
constexpr size_t kMaxFollowed = 8;           // runs whose series are kept
constexpr int kMaxPictures = 1000;
constexpr int64_t kMaxConfig = 256 << 10;
constexpr int64_t kMaxPicture = 64 << 20;
constexpr int64_t kMaxPage = 16 << 20;
constexpr int64_t kMaxFilm = 256 << 20;

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

json TimeText(int64_t seconds) {
  if (seconds <= 0) return nullptr;
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(seconds),
                          absl::UTCTimeZone());
}

// What files hold need not be UTF-8; JSON has to be.
json Text(const std::string& bytes) {
  return json::parse(
      json(bytes).dump(-1, ' ', false, json::error_handler_t::replace));
}

// Seconds since 1970; 0 if there is no such file.
int64_t ModifiedAt(const SafeFolder& folder, absl::string_view name) {
  const absl::StatusOr<SafeFile> file = folder.OpenFile(name);
  return file.ok() ? file->modified() : 0;
}

std::string ConfigText(const SafeFolder& run) {
  return run.ReadFile("config.textproto", kMaxConfig).value_or("");
}

// training.max_steps, the only field of this name; 0 if it is not set.
int64_t MaxSteps(absl::string_view config) {
  for (absl::string_view line : absl::StrSplit(config, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    int64_t steps;
    if (absl::ConsumePrefix(&line, "max_steps:") &&
        absl::SimpleAtoi(line, &steps) && steps > 0) {
      return steps;
    }
  }
  return 0;
}

// What List() and Read() say about a run.
json Facts(const std::string& root, const RunPath& path,
           const SafeFolder& folder) {
  const int64_t losses = ModifiedAt(folder, "losses.csv");
  const int64_t config = ModifiedAt(folder, "config.textproto");
  const int64_t scores = ModifiedAt(folder, "evaluation.json");
  const int64_t modified =
      std::max({losses, config, scores, ModifiedAt(folder, "index.html")});
  const absl::StatusOr<SafeFile> table = folder.OpenFile("losses.csv");
  const int64_t step = table.ok() ? LastStepOf(*table) : -1;
  const int64_t steps = MaxSteps(ConfigText(folder));
  // The scores are the last that a whole run writes.
  const char* const state = IsTraining(folder, modified, Now()) ? "running"
                            : scores > 0 && scores >= losses    ? "ended"
                                                                : "stopped";
  return {{"id", IdOfRun(path)},
          {"name", Text(NameOfRun(root, path))},
          {"state", state},
          {"step", std::max<int64_t>(step, 0)},
          {"steps", steps > 0 ? json(steps) : json()},
          {"started", TimeText(config)},
          {"modified", TimeText(modified)}};
}

// Letters, digits, '.', '_' and '-', not beginning with '.', ending in .png.
bool IsPictureName(absl::string_view name) {
  constexpr size_t kMaxName = 100;
  return name.size() <= kMaxName && absl::EndsWith(name, ".png") &&
         name[0] != '.' && std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || c == '.' ||
                  c == '_' || c == '-';
         });
}

// What Picture() takes; a name of another kind is no picture of a run's.
json Pictures(const SafeFolder& run) {
  json pictures = json::array();
  const absl::StatusOr<SafeFolder> folder = run.Enter("pictures");
  if (!folder.ok()) return pictures;
  const auto names = folder->Names(kMaxPictures);
  if (!names.ok()) return pictures;
  for (const std::string& name : *names) {
    if (IsPictureName(name)) pictures.push_back(name);
  }
  return pictures;
}

// What the bytes of a file of a kind begin with.
struct Kind {
  const char* content_type;
  size_t offset;
  absl::string_view signature;
  int64_t max_bytes;
};
constexpr Kind kPng = {"image/png", 0, "\x89PNG\r\n\x1a\n", kMaxPicture};
constexpr Kind kMp4 = {"video/mp4", 4, "ftyp", kMaxFilm};

absl::StatusOr<RunFile> ReadOfKind(const SafeFolder& folder,
                                   absl::string_view name, const Kind& kind) {
  ASSIGN_OR_RETURN(std::string bytes, folder.ReadFile(name, kind.max_bytes));
  if (bytes.size() < kind.offset ||
      bytes.compare(kind.offset, kind.signature.size(), kind.signature.data(),
                    kind.signature.size()) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, ": is no file of the kind ", kind.content_type));
  }
  return RunFile{std::move(bytes), kind.content_type};
}

// The series of one run, as far as they were read.
struct Followed {
  std::string id;
  TableFollower losses{kMaxPoints};
  TableFollower timing{kMaxPoints};
  EventFollower events;
};

class Series {
 public:
  explicit Series(int64_t since) : since_(since) {}

  // `kind_of` takes a column's name.
  template <typename KindOf>
  void AddTable(const TableFollower& table, KindOf kind_of) {
    for (size_t i = 0; i < table.columns().size(); ++i) {
      const std::string& name = table.columns()[i];
      series_.push_back(
          {{"name", name},
           {"kind", kind_of(name)},
           {"points", table.table()->Points(static_cast<int>(i), since_)}});
    }
  }

  void AddScalars(const EventFollower& events) {
    for (const auto& [name, values] : events.scalars()) {
      json points = json::array();
      for (auto value = values.upper_bound(since_); value != values.end();
           ++value) {
        points.push_back(
            {value->first, value->second, value->second, value->second});
      }
      series_.push_back({{"name", name}, {"kind", "test"}, {"points", points}});
    }
  }

  json Take() { return std::move(series_); }

 private:
  const int64_t since_;
  json series_ = json::array();
};

// Runs without event files tell the kinds of their columns by the names that
// training/learner.cc and training/diagnostics.cc give, to which
// training_names_test holds them; parts_in_use is that of transforms_in_use in
// runs of earlier programs.
bool IsTrainingName(absl::string_view name) {
  return name == "learning_rate" || name == "fit_residual" ||
         name == "fit_iterations" || name == "exact_gradient" ||
         name == "transforms_in_use" || name == "parts_in_use" ||
         absl::StartsWith(name, "gradient_");
}

}  // namespace

class RunReader::Impl {
 public:
  explicit Impl(std::string root) : root_(std::move(root)) {}

  const std::string& root() const { return root_; }

  absl::StatusOr<SafeFolder> Open(absl::string_view id) const {
    ASSIGN_OR_RETURN(const RunPath path, FindRun(root_, id));
    return OpenRun(root_, path);
  }

  // The newest first, with their facts.
  absl::StatusOr<std::vector<std::pair<RunPath, json>>> Runs() const {
    ASSIGN_OR_RETURN(const std::vector<RunPath> paths, FindRuns(root_));
    std::vector<std::pair<RunPath, json>> runs;
    for (const RunPath& path : paths) {
      const absl::StatusOr<SafeFolder> folder = OpenRun(root_, path);
      if (folder.ok()) runs.emplace_back(path, Facts(root_, path, *folder));
    }
    // RFC 3339 in one time zone sorts as text does; null comes first.
    std::stable_sort(runs.begin(), runs.end(),
                     [](const auto& a, const auto& b) {
                       return a.second["modified"] > b.second["modified"];
                     });
    return runs;
  }

  absl::StatusOr<json> Read(absl::string_view id, int64_t since) {
    ASSIGN_OR_RETURN(const RunPath path, FindRun(root_, id));
    ASSIGN_OR_RETURN(const SafeFolder folder, OpenRun(root_, path));
    json answer = Facts(root_, path, folder);
    const std::lock_guard<std::mutex> lock(mutex_);
    Followed& followed = FollowedOf(id);
    json warnings = json::array();
    bool is_complete = true;
    Follow(folder, "losses.csv", followed.losses, &is_complete, &warnings);
    Follow(folder, "timing.csv", followed.timing, &is_complete, &warnings);
    if (const auto events = folder.Enter("events"); events.ok()) {
      const absl::StatusOr<bool> is_read =
          followed.events.Follow(*events, kBytesPerCall);
      if (is_read.ok()) is_complete = is_complete && *is_read;
    } else if (absl::IsNotFound(events.status())) {
      followed.events = EventFollower();  // of a run that begins anew
    }
    Series series(since);
    series.AddTable(followed.losses, [&](const std::string& name) {
      return followed.events.IsTraining(name) || IsTrainingName(name)
                 ? "training"
                 : "loss";
    });
    series.AddTable(followed.timing, [](const std::string&) { return "time"; });
    series.AddScalars(followed.events);
    if (followed.events.started() > 0) {
      answer["started"] = TimeText(followed.events.started());
    }
    answer["series"] = series.Take();
    const ThinnedTable* const table = followed.losses.table();
    answer["stride"] = table == nullptr ? 1 : table->stride();
    answer["complete"] = is_complete;
    answer["pictures"] = Pictures(folder);
    answer["has_page"] = folder.HasFile("index.html");
    answer["settings"] = Text(ConfigText(folder));
    answer["warnings"] = std::move(warnings);
    return answer;
  }

 private:
  // Those that were read last; the newest first.
  Followed& FollowedOf(absl::string_view id) {
    for (auto run = followed_.begin(); run != followed_.end(); ++run) {
      if (run->id != id) continue;
      followed_.splice(followed_.begin(), followed_, run);
      return followed_.front();
    }
    followed_.emplace_front();
    followed_.front().id = std::string(id);
    if (followed_.size() > kMaxFollowed) followed_.pop_back();
    return followed_.front();
  }

  static void Follow(const SafeFolder& folder, const char* name,
                     TableFollower& table, bool* is_complete, json* warnings) {
    const absl::StatusOr<SafeFile> file = folder.OpenFile(name);
    if (absl::IsNotFound(file.status())) return;
    if (!file.ok()) {
      warnings->push_back(Text(std::string(file.status().message())));
      return;
    }
    const absl::StatusOr<bool> is_read = table.Follow(*file, kBytesPerCall);
    if (!is_read.ok()) {
      warnings->push_back(Text(std::string(is_read.status().message())));
      return;
    }
    *is_complete = *is_complete && *is_read;
    if (table.bad_lines() > 0) {
      warnings->push_back(absl::StrCat(name, ": ", table.bad_lines(),
                                       " lines are no rows of the table"));
    }
  }

  const std::string root_;
  std::mutex mutex_;
  std::list<Followed> followed_;
};

RunReader::RunReader(std::string root)
    : impl_(std::make_unique<Impl>(std::move(root))) {}
RunReader::~RunReader() = default;

absl::StatusOr<json> RunReader::List() {
  ASSIGN_OR_RETURN(auto runs, impl_->Runs());
  json list = json::array();
  for (auto& [path, facts] : runs) list.push_back(std::move(facts));
  return list;
}

std::vector<std::string> RunReader::Folders() {
  std::vector<std::string> folders;
  const auto runs = impl_->Runs();
  if (!runs.ok()) return folders;
  for (const auto& [path, facts] : *runs) {
    folders.push_back(impl_->root());
    for (const std::string& name : path) {
      absl::StrAppend(&folders.back(), "/", name);
    }
  }
  return folders;
}

absl::StatusOr<json> RunReader::Read(absl::string_view id, int64_t since) {
  return impl_->Read(id, since);
}

absl::StatusOr<RunFile> RunReader::Picture(absl::string_view id,
                                           absl::string_view name) {
  absl::string_view file = name;
  const bool is_film = name == "animation.mp4";
  const char* const folder =
      absl::ConsumePrefix(&file, "evaluation:") ? "evaluation" : "pictures";
  if (!is_film && !IsPictureName(file)) {
    return FieldError("name",
                      "is not the name of a picture of a run; use one of its "
                      "list, as epoch-00001.png");
  }
  ASSIGN_OR_RETURN(const SafeFolder run, impl_->Open(id));
  if (is_film) return ReadOfKind(run, name, kMp4);
  ASSIGN_OR_RETURN(const SafeFolder pictures, run.Enter(folder));
  return ReadOfKind(pictures, file, kPng);
}

absl::StatusOr<RunFile> RunReader::Page(absl::string_view id) {
  ASSIGN_OR_RETURN(const SafeFolder run, impl_->Open(id));
  ASSIGN_OR_RETURN(std::string bytes, run.ReadFile("index.html", kMaxPage));
  return RunFile{std::move(bytes), "text/html; charset=utf-8"};
}

}  // namespace studio
