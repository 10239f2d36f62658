#include "pipelines/report/document.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pipelines/report/html.h"

namespace pipelines {
namespace {

constexpr char kStyle[] = R"(
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --text: #1c2330;
  --soft: #667085; --line: #e3e6ec; --accent: #2f6fde; }
@media (prefers-color-scheme: dark) { :root { --back: #11141a; --card: #1a1f28;
  --text: #e6e9ef; --soft: #98a2b3; --line: #2b323f; --accent: #7aa7ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem clamp(.75rem, 3vw, 2.5rem) 4rem;
  max-width: 84rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 2.2rem 0 .8rem; font-size: 1.15rem; }
p { margin: .3rem 0; } .soft { color: var(--soft); }
.tiles { display: grid; gap: .75rem; margin-top: 1.4rem;
  grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); }
.tile, .card { background: var(--card); border: 1px solid var(--line);
  border-radius: .6rem; }
.tile { padding: .7rem .9rem; } .card { padding: .8rem; margin: 0 0 .9rem; }
.tile b { display: block; font-size: 1.2rem; overflow-wrap: anywhere;
  font-variant-numeric: tabular-nums; }
.tile span, figcaption { color: var(--soft); font-size: .85rem; }
.films { display: grid; gap: .9rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
figure { margin: 0; } figcaption { padding: .2rem 0 .4rem; }
video { width: 100%; border-radius: .35rem; background: #000;
  image-rendering: auto; }
.plots { display: grid; gap: .9rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr)); }
.plots .card { margin: 0; } svg { display: block; width: 100%; height: auto; }
.wide { overflow-x: auto; } .wide img { display: block; width: 100%;
  min-width: 52rem; height: auto; border-radius: .35rem; }
.sheet { overflow-x: auto; } .sheet img { display: block; max-width: 100%;
  height: auto; border-radius: .35rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
tr.mean td { font-weight: 600; }
a { color: var(--accent); }
pre { margin: .3rem 0 0; padding: .7rem .9rem; overflow-x: auto; font-size: .85rem;
  background: var(--back); border: 1px solid var(--line); border-radius: .35rem; }
pre.command { white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; }
)";

}  // namespace

std::string HtmlDocument(absl::string_view title, absl::string_view subtitle,
                         absl::string_view body, int reload_seconds) {
  const std::string reload =
      reload_seconds > 0
          ? absl::StrFormat("<meta http-equiv=\"refresh\" content=\"%d\">\n",
                            reload_seconds)
          : "";
  const std::string escaped = EscapeHtml(title);
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n",
      reload, "<title>", escaped, "</title>\n<style>", kStyle,
      "</style>\n</head>\n<body>\n<h1>", escaped, "</h1>\n<p class=\"soft\">",
      EscapeHtml(subtitle), "</p>\n", body, "</body>\n</html>\n");
}

}  // namespace pipelines
