# What the quick start shows. Every claim is checked in the clusters' files first. Sourced by ./quickstart.

file_of() { echo "$state/clusters/$1/$2"; }
has() { grep -q -- "$2" "$1"; }
has_not() { [ -f "$1" ] && ! grep -q -- "$2" "$1"; }
absent() { [ ! -e "$1" ]; }

push() { git_here -C "$state/work" push -q origin HEAD; }

commit() {
  git_here -C "$state/work" add -A
  git_here -C "$state/work" commit -q -m "$1"
}

# All clusters that the sample reaches have (or lack) something. usage: everywhere CHECK FILE-NAME [TEXT]
everywhere() {
  local i check=$1 name=$2
  shift 2
  for ((i = 1; i <= clusters; i++)); do "$check" "$(file_of "$(cluster_name $i)" "$name")" "$@" || return 1; done
}

demonstrate_on_sample() {
  local begin edited
  everywhere has cart.deployment.apps.cart.yaml 'shop/cart:1.0.0' || fail "the first sync is not in the files"
  has "$(file_of production cart.deployment.apps.cart.yaml)" 'replicas: 3' || fail "production did not get its overlay"

  say "1. A commit travels to the clusters: cart 1.0.0 -> 1.1.0"
  sed -i 's#shop/cart:1.0.0#shop/cart:1.1.0#' "$state/work/apps/cart/base/deployment.yaml"
  commit "cart 1.1.0"
  push
  begin=$(now_ms)
  leidang refresh >/dev/null
  wait_for 60 everywhere has cart.deployment.apps.cart.yaml 'shop/cart:1.1.0' || fail "the commit did not arrive"
  measured "commit pushed -> in the files of $clusters clusters" "$(($(now_ms) - begin)) ms"
  echo "    cart:1.1.0 is in all $clusters clusters"

  say "2. Somebody edits a cluster by hand: it is corrected"
  edited=$(file_of staging cart.deployment.apps.cart.yaml)
  correct_hand_edit "$edited" 's#shop/cart:1.1.0#shop/cart:hacked#' 'shop/cart:hacked'

  say "3. An app is removed from Git: it is pruned, and nothing else"
  git_here -C "$state/work" rm -q -r apps/checkout
  commit "checkout goes"
  push
  begin=$(now_ms)
  leidang refresh >/dev/null
  wait_for 60 everywhere absent checkout.deployment.apps.checkout.yaml || fail "the removed app is still there"
  measured "removal pushed -> gone from $clusters clusters" "$(($(now_ms) - begin)) ms"
  everywhere has cart.deployment.apps.cart.yaml 'shop/cart:1.1.0' || fail "pruning took more than it should"
  everywhere has frontend.deployment.apps.frontend.yaml 'shop/frontend' || fail "pruning took more than it should"
  echo "    checkout is gone from all clusters, cart and frontend are as they were"

  say "4. git revert brings cart back to 1.0.0"
  git_here -C "$state/work" revert --no-edit HEAD~1 >/dev/null
  push
  begin=$(now_ms)
  leidang refresh >/dev/null
  wait_for 60 everywhere has cart.deployment.apps.cart.yaml 'shop/cart:1.0.0' || fail "the revert did not arrive"
  measured "revert pushed -> rolled back in $clusters clusters" "$(($(now_ms) - begin)) ms"
  wait_until_synced 60 || fail "not everything is in sync after the demonstration"
  show_table
}

# usage: correct_hand_edit FILE SED-SCRIPT TEXT-THAT-MUST-GO
correct_hand_edit() {
  local begin before
  before=$(sha256sum <"$1")
  sed "$2" "$1" >"$state/edited"
  cat "$state/edited" >"$1"
  begin=$(now_ms)
  wait_for 30 same_content "$1" "$before" || fail "the hand edit of $1 was not corrected"
  measured "hand edit -> corrected" "$(($(now_ms) - begin)) ms"
  echo "    $(basename "$1") is as Git says again"
}
same_content() { [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$2" ]; }

# On somebody else's repository nothing is known of the content: an object is added, a file edited, the commit reverted.
demonstrate_on_users_repository() {
  local app cluster file begin directory copy
  app=$(app_to_extend) || true
  if [ -n "$app" ]; then
    read -r app cluster directory copy <<<"$app"
    say "1. A commit travels: a ConfigMap is added to $app (in the copy, not in your repository)"
    git_here clone -q "$copy" "$state/work"
    add_config_map "$state/work/$directory"
    commit "quick start: add a ConfigMap"
    push
    begin=$(now_ms)
    leidang refresh >/dev/null
    wait_for 60 arrived "$cluster" || fail "the commit did not arrive"
    measured "commit pushed -> in the files of $cluster" "$(($(now_ms) - begin)) ms"
    file=$(find "$state/clusters/$cluster" -name '*.configmap.core.leidang-quickstart.yaml' | head -1)
    say "2. Somebody edits the cluster by hand: it is corrected"
    correct_hand_edit "$file" 's/hello/hacked/' hacked
    say "3. git revert takes it back"
    git_here -C "$state/work" revert --no-edit HEAD >/dev/null
    push
    begin=$(now_ms)
    leidang refresh >/dev/null
    wait_for 60 absent "$file" || fail "the revert did not arrive"
    measured "revert pushed -> gone from $cluster" "$(($(now_ms) - begin)) ms"
  else
    say "No Application syncs, prunes and heals by itself from a folder of the copy: nothing is changed, only shown"
  fi
  wait_until_synced 120 || fail "not everything is in sync after the demonstration"
  show_table
}

# Prints name, cluster, folder and repository of an Application to which an object can be added.
app_to_extend() {
  local name path cluster copy
  leidang get applications -o name | while read -r name; do
    leidang get "$name" -o yaml >"$state/one.yaml" 2>/dev/null || continue
    name=${name#application/}
    grep -q 'prune: true' "$state/one.yaml" && grep -q 'selfHeal: true' "$state/one.yaml" || continue
    path=$(sed -n 's/^    path: *//p' "$state/one.yaml" | tr -d "\"'" | head -1)
    cluster=$(applications | awk -v n="$name" '$1 == n && $3 == "Synced" { print $2 }')
    copy=$(sed -n 's/^    repoURL: *//p' "$state/one.yaml" | tr -d "\"'" | head -1)
    copy=${copy#file://}
    [ -n "$path" ] && [ -n "$cluster" ] && [ -d "$copy" ] || continue
    # Where nothing else is, the revert would leave nothing, which is never pruned without allowEmpty.
    git_here -C "$copy" ls-tree --name-only "HEAD:$path" 2>/dev/null | grep -q '\.ya\?ml$' || continue
    echo "$name $cluster $path $copy"
    break
  done
}

add_config_map() {
  write "$1/leidang-quickstart.yaml" <<YAML
apiVersion: v1
kind: ConfigMap
metadata:
  name: leidang-quickstart
data:
  greeting: hello
YAML
  [ ! -f "$1/kustomization.yaml" ] && [ ! -f "$1/kustomization.yml" ] && [ ! -f "$1/Kustomization" ] ||
    (cd "$1" && "$("$root/install-deps" --print-kustomize)" edit add resource leidang-quickstart.yaml)
}

arrived() { [ -n "$(find "$state/clusters/$1" -name '*.configmap.core.leidang-quickstart.yaml')" ]; }

what_next() {
  cat <<TEXT

What to try next, from this folder:
    export LEIDANG_HUB=$hub_address LEIDANG_CA_FILE=.quickstart/hub/ca/ca.crt LEIDANG_TOKEN=\$(cat .quickstart/admin.token)
    build/release/bin/leidang get clusters
    build/release/bin/leidang describe $(leidang get applicationsets -o name | head -1)
    build/release/bin/leidang watch applications
    commit to .quickstart/work, git push, and watch .quickstart/clusters/; edit a file there by hand
TEXT
}
