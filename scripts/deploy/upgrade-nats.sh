#!/usr/bin/env bash
# Upgrades the NATS nodes in place, one after the other: each takes the configuration and version of the last
# deployment, restarts, and must be healthy and up to date before the next one's turn.
# Usage: scripts/deploy/upgrade-nats.sh RESOURCE_GROUP NODE[,NODE…]
set -euo pipefail

group=${1:?resource group}
nodes=${2:?nodes, comma-separated: the output BROKER_NATS_NODES}

on_node() {
  az vm run-command invoke --resource-group "$group" --name "$1" --command-id RunShellScript \
    --scripts "$2" --query 'value[0].message' --output tsv --only-show-errors
}

healthy() {
  # Answers 200 only when the streams of this node have caught up.
  on_node "$1" 'curl --silent --fail --max-time 5 "http://127.0.0.1:8222/healthz" && echo HEALTHY' | grep -q HEALTHY
}

for node in ${nodes//,/ }; do
  echo "$node: restarts"
  on_node "$node" 'systemctl restart nats.service' > /dev/null
  deadline=$((SECONDS + 900))
  until healthy "$node"; do
    if [ "$SECONDS" -gt "$deadline" ]; then
      echo "$node is not healthy after 15 minutes: the other nodes are left as they are" >&2
      exit 1
    fi
    sleep 10
  done
  echo "$node: healthy, $(on_node "$node" '/opt/ddhub/nats-server --version' | grep -o 'v[0-9.]*' | head -1)"
done
