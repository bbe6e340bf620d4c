#!/bin/sh
# Before azd provisions: chooses the profile, and makes the SSH key that Azure insists on for a virtual machine. Its
# private half is thrown away at once: nobody signs in to a node.
set -eu
cd "$(dirname "$0")/../.."

profile=${BROKER_PROFILE:-dev}
cp "infra/bicep/main.$profile.bicepparam" infra/bicep/main.bicepparam

# azd makes the package's directory only later, but looks for it now.
mkdir -p dist/package

if [ -z "${BROKER_SSH_PUBLIC_KEY:-}" ]; then
  directory=$(mktemp -d)
  ssh-keygen -q -t ed25519 -N '' -C ddhub -f "$directory/key"
  azd env set BROKER_SSH_PUBLIC_KEY "$(cat "$directory/key.pub")"
  rm -rf "$directory"
fi
