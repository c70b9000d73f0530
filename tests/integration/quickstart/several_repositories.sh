#!/usr/bin/env bash
# Runs the quick start on two repositories of one ApplicationSet, --repo URL=PATH for each: what is deployed lies in one, where
# it goes in the other. One URL is the beginning of the other, and both have the same folder.
set -euo pipefail
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
apps=https://git.example.com/someone/apps
places=https://git.example.com/someone/apps-places.git

repository() {
  git init -q -b main "$1"
  git -C "$1" add -A
  git -C "$1" -c user.name=someone -c user.email=someone@example.com commit -q -m "first"
}
config_map() {
  printf 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\ndata:\n  greeting: hello\n' "$1"
}
mkdir -p "$work/apps/apps/cart" "$work/places/apps/cart" "$work/places/where"
config_map cart >"$work/apps/apps/cart/cart.yaml"
config_map not-to-be-deployed >"$work/places/apps/cart/cart.yaml"
printf 'app: cart\ncluster: staging\n' >"$work/places/where/cart-staging.yaml"
printf 'app: cart\ncluster: production\n' >"$work/places/where/cart-production.yaml"
repository "$work/apps"
repository "$work/places"
cat >"$work/appset.yaml" <<YAML
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop}
spec:
  sourceRepos: [$apps, "$places"]
  destinations: [{server: '*', name: '*', namespace: '*'}]
  clusterResourceWhitelist: [{group: '*', kind: '*'}]
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop}
spec:
  goTemplate: true
  goTemplateOptions: ["missingkey=error"]
  generators:
    - git: {repoURL: $places, revision: HEAD, files: [{path: where/*.yaml}]}
  template:
    metadata: {name: '{{.app}}-{{.cluster}}'}
    spec:
      project: shop
      source:
        repoURL: '$apps'
        targetRevision: HEAD
        path: apps/{{.app}}
      destination: {name: '{{.cluster}}', namespace: shop}
      syncPolicy:
        automated: {prune: true, selfHeal: true}
        syncOptions: [CreateNamespace=true]
YAML

"$root/quickstart" --once --repo "$apps=$work/apps" --repo "$places=$work/places" --appset "$work/appset.yaml" | tee "$work/out"
grep -q 'commit pushed -> in the files of' "$work/out" || { echo "several_repositories: no commit was shown" >&2; exit 1; }
for cluster in staging production; do
  file=$root/.quickstart/clusters/$cluster/shop.configmap.core.cart.yaml
  [ -f "$file" ] || { echo "several_repositories: $file is missing" >&2; exit 1; }
done
[ -z "$(find "$root/.quickstart/clusters" -name '*not-to-be-deployed*')" ] ||
  { echo "several_repositories: the wrong repository was deployed" >&2; exit 1; }

# usage: refused MESSAGE ARGUMENT…
refused() {
  local message=$1
  shift
  ! "$root/quickstart" --once "$@" --appset "$work/appset.yaml" >"$work/out" 2>&1 ||
    { echo "several_repositories: accepted: $*" >&2; exit 1; }
  grep -qF -- "$message" "$work/out" || { echo "several_repositories: no \"$message\" for: $*" >&2; cat "$work/out" >&2; exit 1; }
}
refused "with several repositories each is --repo URL=PATH" --repo "$work/apps" --repo "$work/places"
refused "the repository $apps is given twice" --repo "$apps=$work/apps" --repo "$apps=$work/places"
refused "names no repository https://git.example.com/other" --repo "https://git.example.com/other=$work/apps"
refused "is it a Git repository?" --repo "$apps=$work/nowhere"
