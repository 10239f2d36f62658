#include "pipelines/report/page.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "networks/files/atomic_file.h"
#include "pipelines/report/document.h"
#include "pipelines/report/html.h"

namespace pipelines {
namespace {

// What a reader opens first stands open; the rest is one click away.
constexpr size_t kOpenStrips = 1;

std::string Heading(absl::string_view text) {
  return absl::StrCat("<h2>", EscapeHtml(text), "</h2>\n");
}

std::string Summary(const RunPage& page) {
  std::string html;
  for (const auto& [name, value] : page.summary) {
    absl::StrAppend(&html, "<div class=\"tile\"><b>", EscapeHtml(value),
                    "</b><span>", EscapeHtml(name), "</span></div>\n");
  }
  return html.empty()
             ? ""
             : absl::StrCat("<div class=\"tiles\">\n", html, "</div>\n");
}

std::string Animations(const RunPage& page) {
  if (page.animations.empty()) return "";
  std::string html = Heading("Animation");
  absl::StrAppend(&html, "<div class=\"films\">\n");
  for (const Picture& film : page.animations) {
    absl::StrAppend(&html, "<figure class=\"card\"><video src=\"",
                    UrlOfPath(film.path),
                    "\" autoplay loop muted playsinline controls></video>"
                    "<figcaption>",
                    EscapeHtml(film.caption), "</figcaption></figure>\n");
  }
  return absl::StrCat(html, "</div>\n");
}

std::string Plots(const RunPage& page) {
  if (page.plots.empty()) return "";
  std::string html = absl::StrCat(Heading("Losses"), "<div class=\"plots\">\n");
  for (const RunPage::Plot& plot : page.plots) {
    absl::StrAppend(&html, "<div class=\"card\">",
                    LinePlotSvg(plot.series, plot.options), "</div>\n");
  }
  return absl::StrCat(html, "</div>\n");
}

// `shape`: "wide" for strips, which fill the page, "sheet" for others.
std::string Figure(const Picture& strip, absl::string_view shape = "wide") {
  const std::string url = UrlOfPath(strip.path);
  return absl::StrCat("<figure class=\"card\"><figcaption>",
                      EscapeHtml(strip.caption), "</figcaption><div class=\"",
                      shape, "\"><a href=\"", url, "\"><img src=\"", url,
                      "\" loading=\"lazy\" alt=\"", EscapeHtml(strip.caption),
                      "\"></a></div></figure>\n");
}

std::string Strips(const RunPage& page) {
  if (page.strips.empty()) return "";
  std::string html = Heading("Pictures");
  const size_t count = page.strips.size();
  const size_t open = std::min(count, kOpenStrips);
  for (size_t i = 0; i < open; ++i) {
    absl::StrAppend(&html, Figure(page.strips[count - 1 - i]));
  }
  if (open == count) return html;
  absl::StrAppend(&html, "<details><summary>", count - open,
                  " earlier</summary>\n");
  for (size_t i = open; i < count; ++i) {
    absl::StrAppend(&html, Figure(page.strips[count - 1 - i]));
  }
  return absl::StrCat(html, "</details>\n");
}

std::string Scores(const RunPage& page) {
  if (page.scores.rows.empty()) return "";
  return absl::StrCat(Heading("Reconstruction of the test clips, worst first"),
                      "<div class=\"card wide\">", ScoreTableHtml(page.scores),
                      "</div>\n");
}

std::string Figures(absl::string_view heading,
                    const std::vector<Picture>& pictures,
                    absl::string_view shape) {
  if (pictures.empty()) return "";
  std::string html = Heading(heading);
  for (const Picture& picture : pictures) html += Figure(picture, shape);
  return html;
}

std::string Commands(const RunPage& page) {
  if (page.commands.empty()) return "";
  std::string html = Heading("Go on");
  for (const RunCommand& command : page.commands) {
    absl::StrAppend(&html, "<div class=\"card\">", EscapeHtml(command.purpose),
                    "<pre class=\"command\">", EscapeHtml(command.command),
                    "</pre></div>\n");
  }
  return html;
}

std::string Config(const RunPage& page) {
  if (page.config.empty()) return "";
  return absl::StrCat(Heading("Config"),
                      "<details class=\"card\"><summary>Effective config"
                      "</summary><pre>",
                      EscapeHtml(page.config), "</pre></details>\n");
}

}  // namespace

std::string RunPageHtml(const RunPage& page) {
  return HtmlDocument(
      page.title, page.subtitle,
      absl::StrCat(
          Summary(page), Animations(page), Strips(page),
          Figures("Sources (left) moved by other clips (above)", page.sheets,
                  "sheet"),
          Plots(page), Scores(page),
          Figures("Where it fails: the worst frames of the worst clips",
                  page.failures, "wide"),
          Commands(page), Config(page)),
      page.reload_seconds);
}

absl::Status WriteRunPage(const std::string& folder, const RunPage& page) {
  return networks::files::WriteAtomically(absl::StrCat(folder, "/index.html"),
                                          RunPageHtml(page));
}

}  // namespace pipelines
