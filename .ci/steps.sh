# Steps of ./test and .ci/run: each prints the command that reproduces it, the time that it took and, as the load of
# a machine does not count there, the CPU time.
# Sourced by scripts that have set -euo pipefail and stand at the root of the repository.

steps_started=$SECONDS

# usage: step NAME COMMAND...   runs it without input; on failure says how to reproduce it and ends the script.
step() {
  local name=$1 started=$SECONDS code=0 command TIMEFORMAT="=== $1: %0R s, CPU %0U s + %0S s"
  shift
  command=$(printf '%q ' "$@")
  printf '\n=== %s\n    reproduce: %s\n' "$name" "$command"
  time "$@" </dev/null || code=$?
  if [ "$code" -ne 0 ]; then
    printf '\n=== %s FAILED (exit code %d) after %d s\n    reproduce: %s\n' \
      "$name" "$code" $((SECONDS - started)) "$command"
    exit 1
  fi
}

# usage: tracked GLOB...   prints the files of the repository that match; in a source archive, those on disk.
tracked() {
  if [ -e .git ]; then
    git -c safe.directory='*' ls-files -- "$@"
    return
  fi
  local glob
  for glob in "$@"; do
    find . -path ./build -prune -o -path ./.quickstart -prune -o -type f -name "$glob" -print
  done
}
