#!/bin/sh
# rollback.sh [REVISION]: takes the release "citewell" back, to the newest one before it that ran and
# was not taken back itself; Helm alone would take the revision before, which may be a bad one.
#
# KUBECONFIG comes from the pipeline.
set -eu
revision=${1:-}
if [ -z "$revision" ]; then
  # A rollback makes a revision too, with the contents of an older one.
  revision=$(helm history citewell --max 100 -o yaml | awk '
    function note() {
      if (number == "") return
      from = 0
      if (told ~ /^Rollback to [0-9]+/) { split(told, part, " "); from = part[3] + 0 }
      same[number] = from && from in same ? same[from] : (from ? from : number)
      if (from && last && same[last] != same[number]) bad[same[last]] = 1
      if (status == "deployed" || status == "superseded") last = number
      ran[number] = status == "superseded"
      if (status == "deployed") now = number
      number = told = status = ""
    }
    { line = $0; sub(/^[- ] /, "", line); gsub(/"/, "", line) }
    /^- / { note() }
    line ~ /^description: / { told = substr(line, 14) }
    line ~ /^revision: / { number = substr(line, 11) + 0 }
    line ~ /^status: / { status = substr(line, 9) }
    END {
      note()
      for (one = now - 1; one > 0; one--)
        if (ran[one] && same[one] != same[now] && !(same[one] in bad)) { print one; exit }
    }')
fi
[ -n "$revision" ] || { echo "there is no release to go back to" >&2; exit 1; }
echo "going back to revision $revision"
helm rollback citewell "$revision" --wait --timeout 15m
