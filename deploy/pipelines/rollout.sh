#!/bin/sh
# rollout.sh IMAGE DIGEST: brings the release "citewell" to an image and asks it a question. Helm takes
# the release back where pods do not become ready; this does where the answer is none.
#
# KUBECONFIG, SMOKE_URL and SMOKE_KEY (an API key with the scope read) come from the pipeline;
# ROLLOUT_VALUES names a file of values (deploy/helm/citewell/values.yaml is read in any case).
set -eu
image=$1
digest=$2
case $digest in
  sha256:*) ;;
  *) echo "the image has no digest: ${digest:-nothing}" >&2; exit 2 ;;
esac

# The key is read from a file, not from arguments that other processes see.
key=$(mktemp)
trap 'rm -f "$key"' EXIT
printf 'Authorization: Bearer %s\n' "$SMOKE_KEY" > "$key"

answers() {
  curl --fail --silent --show-error --max-time 60 --retry 5 --retry-connrefused \
    -H @"$key" -H 'Content-Type: application/json' \
    --data '{"query": "What is in the library?", "top_k": 3}' \
    "$SMOKE_URL/api/v1/search" > /dev/null
}

helm upgrade citewell deploy/helm/citewell --install --atomic --timeout 15m \
  ${ROLLOUT_VALUES:+-f "$ROLLOUT_VALUES"} \
  --set "image.repository=$image" --set "image.tag=$digest"

if ! answers; then
  echo "the new release is ready, but a search fails: taking it back" >&2
  helm rollback citewell --wait --timeout 15m
  exit 1
fi
