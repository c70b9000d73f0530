# The hub and the agents of the quick start. Sourced by ./quickstart, which sets $root.

state=$root/.quickstart
bin=$root/build/release/bin
measures=()
pids=()

say() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }
fail() {
  printf '\nquickstart: FAILED: %s\n' "$*" >&2
  exit 1
}
measured() { measures+=("$(printf '%-62s %s' "$1" "$2")"); }
print_measures() {
  local line
  say "Measured"
  for line in "${measures[@]}"; do echo "    $line"; done
}
now_ms() { date +%s%3N; }

# usage: wait_for SECONDS COMMAND…   asks every 20 ms
wait_for() {
  local end=$(($(now_ms) + $1 * 1000))
  shift
  until "$@" 2>/dev/null; do
    [ "$(now_ms)" -lt $end ] || return 1
    sleep 0.02
  done
}

# Ends what an earlier run left behind, and begins with nothing.
clean_state() {
  local file
  for file in "$state"/*.pid "$state"/agents/*.pid; do
    [ -f "$file" ] || continue
    if [ "$(readlink "/proc/$(cat "$file")/exe" 2>/dev/null)" != "" ] &&
      case $(readlink "/proc/$(cat "$file")/exe") in "$bin"/*) true ;; *) false ;; esac; then
      kill "$(cat "$file")" 2>/dev/null || true
    fi
  done
  rm -rf "$state"
  mkdir -p "$state/agents" "$state/clusters"
}

stop_fleet() {
  local pid
  for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
  for pid in ${pids[@]+"${pids[@]}"}; do wait "$pid" 2>/dev/null || true; done
  pids=()
}

leidang() {
  "$bin/leidang" --hub "$hub_address" --ca-file "$state/hub/ca/ca.crt" --token-file "$state/admin.token" "$@"
}

start_hub() {
  say "Starting the hub"
  "$bin/leidang-hub" --data-dir "$state/hub" --agent-listen 127.0.0.1:0 --user-listen 127.0.0.1:0 \
    --admin-token-file "$state/admin.token" --ports-file "$state/ports" --poll-interval 2 --poll-jitter 0 \
    >"$state/hub.log" 2>&1 &
  pids+=($!)
  echo $! >"$state/hub.pid"
  wait_for 30 test -s "$state/ports" || { cat "$state/hub.log" >&2; fail "the hub did not start"; }
  hub_address=127.0.0.1:$(sed -n 's/^users=//p' "$state/ports")
  echo "    $(leidang version | tail -1), at $hub_address"
}

# Cluster 1 is in-cluster, 2 staging, 3 production, then cluster-4 and so on.
cluster_name() {
  case $1 in 1) echo in-cluster ;; 2) echo staging ;; 3) echo production ;; *) echo "cluster-$1" ;; esac
}
cluster_env() {
  case $1 in 2) echo staging ;; 3) echo production ;; *) echo dev ;; esac
}

start_agent() {
  local name command token pin
  name=$(cluster_name "$1")
  say "Registering cluster $name and starting its agent"
  command=$(leidang cluster register "$name" --label "env=$(cluster_env "$1")" 2>/dev/null)
  token=$(sed -n 's/.*--join-token \([^ ]*\).*/\1/p' <<<"$command")
  pin=$(sed -n 's/.*--ca-pin \([^ ]*\).*/\1/p' <<<"$command")
  mkdir -p "$state/clusters/$name"
  "$bin/leidang-agent" --hub "$hub_address" --join-token "$token" --ca-pin "$pin" \
    --data-dir "$state/agents/$name" --directory "$state/clusters/$name" \
    --kustomize "$("$root/install-deps" --print-kustomize)" >"$state/agents/$name.log" 2>&1 &
  pids+=($!)
  echo $! >"$state/agents/$name.pid"
  wait_for 30 cluster_connected "$name" || { cat "$state/agents/$name.log" >&2; fail "the agent of $name did not connect"; }
  echo "    connected with a certificate of its own"
}

cluster_connected() { leidang get clusters | awk -v n="$1" '$1 == n && $3 == "yes" { found = 1 } END { exit !found }'; }

# One line an Application: name cluster sync health condition-type.
applications() {
  leidang get applications 2>/dev/null | awk 'NR > 1 { print $1, $2, $3, $4, $7 }'
}
count_applications() { applications | wc -l; }

# There is something, and all of it that can be rendered is Synced and Healthy.
all_synced() {
  applications | awk '
    { seen = 1 }
    $5 ~ /^UnsupportedSource/ { next }
    { if ($3 != "Synced" || $4 != "Healthy") bad = 1 }
    END { exit !(seen && !bad) }'
}

# An Application without automated sync waits for a person: here the quick start asks. Others are not asked.
sync_what_waits_for_it() {
  local name
  wait_for 30 settled_first_time || true
  leidang get applications -o name | while read -r name; do
    leidang get "$name" -o yaml >"$state/one.yaml" 2>/dev/null && ! grep -q '^    automated:' "$state/one.yaml" || continue
    case $(applications | awk -v n="${name#application/}" '$1 == n { print $3 " " $5 }') in
      OutOfSync*) leidang app sync --timeout 60 "${name#application/}" || true ;;
    esac
  done
}
# Everything that has a cluster was looked at.
settled_first_time() {
  applications | awk '{ seen = 1 } $5 ~ /^UnsupportedSource/ { next } $3 == "Unknown" { bad = 1 } END { exit !(seen && !bad) }'
}

show_table() { leidang get applications; }

# The table again and again until all is in sync: live where there is a terminal, a line now and then elsewhere.
wait_until_synced() {
  local end=$((SECONDS + $1)) last= line
  while :; do
    line=$(applications | awk '{ n++ } $3 == "Synced" { s++ } END { printf "%d Applications, %d in sync", n, s }')
    if [ -t 1 ]; then
      printf '\033[H\033[J'
      show_table 2>/dev/null || true
    elif [ "$line" != "$last" ]; then
      echo "    $line"
      last=$line
    fi
    all_synced && return 0
    [ $SECONDS -lt $end ] || { show_table; leidang get applicationsets; return 1; }
    sleep 0.2
  done
}

list_unsupported() {
  local lines
  lines=$(applications | awk '$5 ~ /^UnsupportedSource/ { print "    " $1 }')
  [ -z "$lines" ] || printf '\nNot supported yet, and left alone (leidang describe application NAME says why):\n%s\n' "$lines"
}
