#!/usr/bin/env bash
# Runs the quick start on a repository that somebody else wrote, with the ApplicationSet that every Argo CD user knows, and
# checks what came of it: one Application a directory, its namespace made, the repository itself left as it was.
set -euo pipefail
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

repo=$work/gitops
for app in guestbook podinfo; do
  mkdir -p "$repo/apps/$app"
  cat >"$repo/apps/$app/$app.yaml" <<YAML
apiVersion: v1
kind: ConfigMap
metadata:
  name: $app
data:
  greeting: hello
---
apiVersion: v1
kind: Service
metadata:
  name: $app
spec:
  ports: [{port: 80}]
YAML
done
mkdir -p "$repo/apps/with-chart" "$repo/apps/a-note" "$repo/apps/overlay"
echo "Nothing here yet." >"$repo/apps/a-note/README.md"
cp "$repo/apps/podinfo/podinfo.yaml" "$repo/apps/overlay/objects.yaml"
printf 'resources: [objects.yaml]\nnameSuffix: -two\n' >"$repo/apps/overlay/kustomization.yaml"
printf 'apiVersion: v2\nname: with-chart\nversion: 1.0.0\n' >"$repo/apps/with-chart/Chart.yaml"
git init -q -b main "$repo"
git -C "$repo" add -A
git -C "$repo" -c user.name=someone -c user.email=someone@example.com commit -q -m "apps"
head=$(git -C "$repo" rev-parse HEAD)
cat >"$work/appset.yaml" <<'YAML'
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: apps
spec:
  generators:
    - git:
        repoURL: https://git.example.com/someone/gitops.git
        revision: HEAD
        directories:
          - path: apps/*
  template:
    metadata:
      name: '{{path.basename}}'
    spec:
      project: default
      source:
        repoURL: https://git.example.com/someone/gitops.git
        targetRevision: HEAD
        path: '{{path}}'
      destination:
        server: https://kubernetes.default.svc
        namespace: '{{path.basename}}'
      syncPolicy:
        automated:
          prune: true
          selfHeal: true
        syncOptions:
          - CreateNamespace=true
YAML

# The same set as a user of Argo CD keeps it: in namespace argocd, of a project of its own.
sed 's/^  name: apps$/  name: apps\n  namespace: argocd/; s/project: default/project: "my-project"/' "$work/appset.yaml" \
  >"$work/argocd.yaml"
"$root/quickstart" --once --repo "$repo" --appset "$work/argocd.yaml" | tee "$work/out"
grep -q 'commit pushed -> in the files of in-cluster' "$work/out" || {
  echo "users_repository: no commit was shown on its way" >&2
  exit 1
}
# One that is synced by hand: the quick start asks for it.
sed '/automated:/,/selfHeal: true/d' "$work/appset.yaml" >"$work/manual.yaml"
"$root/quickstart" --once --repo "$repo" --appset "$work/manual.yaml" | tee "$work/out"
grep -q 'sync of leidang/podinfo on in-cluster: Succeeded' "$work/out"
"$root/quickstart" --once --repo "$repo" --appset "$work/appset.yaml" | tee "$work/out"
cluster=$root/.quickstart/clusters/in-cluster
[ -f "$cluster/overlay.configmap.core.podinfo-two.yaml" ] || { echo "users_repository: no overlay" >&2; exit 1; }
for app in guestbook podinfo; do
  for file in "$app.configmap.core.$app.yaml" "$app.service.core.$app.yaml" "_cluster.namespace.core.$app.yaml"; do
    [ -f "$cluster/$file" ] || { echo "users_repository: $file is missing in $cluster" >&2; ls "$cluster" >&2; exit 1; }
  done
done
grep -q 'with-chart' "$work/out" || { echo "users_repository: the chart is not listed as unsupported" >&2; exit 1; }
[ "$(git -C "$repo" rev-parse HEAD)" = "$head" ] || { echo "users_repository: the repository was changed" >&2; exit 1; }
[ -z "$(git -C "$repo" status --porcelain)" ] || { echo "users_repository: the work tree was changed" >&2; exit 1; }
