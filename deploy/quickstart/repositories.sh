# The repositories of the quick start. Sourced by ./quickstart.

git_here() {
  git -c user.name='Leidang quick start' -c user.email=quickstart@leidang.invalid -c commit.gpgsign=false \
    -c init.defaultBranch=main -c core.autocrlf=false "$@"
}

write() {
  mkdir -p "$(dirname "$1")"
  cat >"$1"
}

# A small shop and what it stands on: apps with Kustomize overlays, infrastructure as plain YAML.
make_sample_repository() {
  say "Creating a sample GitOps repository in .quickstart/repo.git"
  local work=$state/work app
  mkdir -p "$work"
  for app in cart checkout frontend; do
    write "$work/apps/$app/base/kustomization.yaml" <<YAML
resources:
  - deployment.yaml
  - service.yaml
YAML
    write "$work/apps/$app/base/deployment.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata:
  name: $app
spec:
  replicas: 1
  selector:
    matchLabels: {app: $app}
  template:
    metadata:
      labels: {app: $app}
    spec:
      containers:
        - name: $app
          image: registry.example.com/shop/$app:1.0.0
          ports:
            - containerPort: 8080
YAML
    write "$work/apps/$app/base/service.yaml" <<YAML
apiVersion: v1
kind: Service
metadata:
  name: $app
spec:
  selector: {app: $app}
  ports:
    - port: 80
      targetPort: 8080
YAML
    write "$work/apps/$app/overlays/dev/kustomization.yaml" <<YAML
resources:
  - ../../base
YAML
    write "$work/apps/$app/overlays/prod/kustomization.yaml" <<YAML
resources:
  - ../../base
replicas:
  - name: $app
    count: 3
YAML
  done
  write "$work/infrastructure/limits/limits.yaml" <<YAML
apiVersion: v1
kind: LimitRange
metadata:
  name: defaults
spec:
  limits:
    - type: Container
      default: {memory: 256Mi}
YAML
  write "$work/infrastructure/banner/banner.yaml" <<YAML
apiVersion: v1
kind: ConfigMap
metadata:
  name: banner
data:
  text: Welcome aboard.
YAML
  write "$work/clusters/README.md" <<TEXT
Clusters are registered with \`leidang cluster register\`; their labels decide which overlay they get.
TEXT
  sample_appset "file://$state/repo.git" >"$state/appset.yaml"
  cp "$state/appset.yaml" "$work/clusters/appset.yaml"
  git_here init -q "$work"
  git_here -C "$work" add -A
  git_here -C "$work" commit -q -m "The shop, and what it stands on"
  git_here clone -q --bare "$work" "$state/repo.git"
  git_here -C "$work" remote add origin "$state/repo.git"
}

sample_appset() {
  cat <<YAML
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: shop
spec:
  goTemplate: true
  goTemplateOptions: ["missingkey=error"]
  generators:
    - matrix:
        generators:
          - git:
              repoURL: $1
              revision: main
              directories:
                - path: apps/*
          - clusters:
              selector:
                matchExpressions:
                  - {key: env, operator: Exists}
    - matrix:
        generators:
          - git:
              repoURL: $1
              revision: main
              directories:
                - path: infrastructure/*
          - clusters:
              selector:
                matchExpressions:
                  - {key: env, operator: Exists}
  template:
    metadata:
      name: '{{.path.basename}}-{{.name}}'
    spec:
      project: default
      source:
        repoURL: $1
        targetRevision: main
        path: '{{.path.path}}{{if hasPrefix "apps/" .path.path}}/overlays/{{if eq .metadata.labels.env "production"}}prod{{else}}dev{{end}}{{end}}'
      destination:
        name: '{{.name}}'
        namespace: '{{.path.basename}}'
      syncPolicy:
        automated: {prune: true, selfHeal: true}
        syncOptions: [CreateNamespace=true]
YAML
}

# usage: copy_repositories PATH-OR-URL | URL=PATH…   bare copies, so that the originals are only read
copy_repositories() {
  local spec url path copy number=0
  : >"$state/urls"
  for spec in "$@"; do
    url=
    path=$spec
    # URL=PATH, where URL has a scheme or is of the form user@host:path.
    case $spec in *://*=* | *@*:*=*) url=${spec%=*}; path=${spec##*=} ;; esac
    [ $# -eq 1 ] || [ -n "$url" ] || fail "with several repositories each is --repo URL=PATH, URL as the set names it"
    ! cut -d' ' -f2 "$state/urls" | grep -qxF -- "$url" || fail "the repository $url is given twice"
    number=$((number + 1))
    copy=$state/repo.git
    [ $number -eq 1 ] || copy=$state/repo-$number.git
    say "Copying $path, which is only read"
    [ ! -d "$path" ] || path=$(realpath "$path")
    git_here -c safe.directory='*' clone -q --bare --no-hardlinks "$path" "$copy" ||
      fail "cannot copy the repository $path: is it a Git repository?"
    printf '%s %s\n' "file://$copy" "$url" >>"$state/urls"
  done
}

# usage: urls_of FILE   what its sources and generators name as repoURL
urls_of() {
  grep -oE "repoURL[\"']?:[[:space:]]*(\"[^\"]*\"|'[^']*'|[^],}[:space:]]+)" "$1" |
    sed "s/^repoURL[\"']\{0,1\}:[[:space:]]*//; s/^[\"']//; s/[\"']\$//" | sort -u
}

# usage: replaced URL COPY   a sed command that puts COPY wherever the whole URL stands
replaced() {
  printf 's#\\(^\\|["'"'"'[:space:],[]\\)%s\\(["'"'"'[:space:],}]\\|]\\|$\\)#\\1%s\\2#g;' \
    "$(sed 's/[][\.*^$#]/\\&/g' <<<"$1")" "$2"
}

# The user's set with the copies in place of the repositories that it names; nothing else is changed.
write_users_appset() {
  local copy url named script=
  while read -r copy url; do
    if [ -z "$url" ]; then
      for named in $(urls_of "$1"); do script+=$(replaced "$named" "$copy"); done
      continue
    fi
    grep -qF -- "$url" "$1" || fail "$1 names no repository $url; it names: $(urls_of "$1" | paste -sd' ')"
    script+=$(replaced "$url" "$copy")
  done <"$state/urls"
  : >"$state/appset.yaml"
  allow_projects "$1" >>"$state/appset.yaml"
  sed "$script" "$1" >>"$state/appset.yaml"
  for named in $(urls_of "$state/appset.yaml"); do
    case $named in
      "file://$state/"* | *'{{'*) ;;
      *) say "The set also names $named, for which there is no --repo: it is read where it is" ;;
    esac
  done
}

# Projects that the set names and the file does not define: here they allow everything.
allow_projects() {
  local project
  grep -q '^kind:[[:space:]]*AppProject' "$1" && return
  sed -n "s/^[[:space:]]*project:[[:space:]]*[\"']\{0,1\}\([a-z0-9][a-z0-9.-]*\)[\"']\{0,1\}[[:space:]]*\(#.*\)\{0,1\}\$/\1/p" "$1" |
    sort -u | while read -r project; do
    [ "$project" != default ] || continue
    say "Making the AppProject $project that the set names: it allows everything, here only" >&2
    cat <<YAML
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata:
  name: $project
spec:
  sourceRepos: ['*']
  destinations: [{server: '*', namespace: '*'}]
  clusterResourceWhitelist: [{group: '*', kind: '*'}]
---
YAML
  done
}
