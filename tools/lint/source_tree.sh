# For the checks that read the whole source tree, to be sourced: $source_tree is
# its root, and source_files lists its files.
#
# The checks run in the tree itself and not on declared inputs, so that a file
# which no BUILD file names is checked, too. The tests that do so have the tags
# "external" (Bazel cannot know that a file has changed: run each time) and
# "local" (no sandbox).

source_tree=$(dirname "$(readlink -f WORKSPACE)")
[[ -f "$source_tree/WORKSPACE" && -f "$source_tree/README.md" ]] || {
  echo >&2 "WORKSPACE is no link into the source tree: run this by Bazel, without a sandbox"
  exit 1
}

# source_files ENDING...: the path of each file whose name has one of the
# endings, one a line, relative to the root: those that git tracks or would;
# where there is no git, all that .gitignore does not name. Fails where there is
# none.
source_files() {
  local ending files pattern=''
  for ending in "$@"; do
    pattern+="${pattern:+|}${ending//./\\.}"
  done
  files=$(cd "$source_tree" && list_files | grep -E "($pattern)\$" | sort | existing)
  [[ -n "$files" ]] || {
    echo >&2 "$source_tree: has no file that ends in any of: $*"
    return 1
  }
  printf '%s\n' "$files"
}

# Those of the paths on standard input that are files: git names removed ones, too.
existing() {
  local path
  while IFS= read -r path; do
    [[ ! -f "$path" ]] || printf '%s\n' "$path"
  done
}

list_files() {
  if git -c safe.directory='*' ls-files --cached --others --exclude-standard 2>/dev/null; then
    return
  fi
  local line ignored=(-name .git)
  while IFS= read -r line; do
    case "$line" in
      /*) ignored+=(-o -path ".$line") ;;
      */) ignored+=(-o -name "${line%/}") ;;
    esac
  done <.gitignore
  find . \( "${ignored[@]}" \) -prune -o -type f -printf '%P\n'
}
