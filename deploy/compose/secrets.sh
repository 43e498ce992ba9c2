#!/bin/sh
# Makes the secrets of compose.yml that are missing; keeps those that are there. Compose mounts a file as it is on the host,
# and no container of ours runs as its owner: so each may be read by all, in a folder that only its owner may enter.
# The certificate of the door is self-signed: put your own in its place. Those of the inside are certificates.sh's.
set -eu
folder=$(dirname "$0")/secrets
umask 077
mkdir -p "$folder"
chmod 700 "$folder"
make() { [ -s "$folder/$1" ] || { "$2" >"$folder/$1.part" && mv "$folder/$1.part" "$folder/$1" && echo "made $1"; }; }
secret() { openssl rand -hex 32; }
key() { openssl genpkey -algorithm ed25519; }
certificate() {
    rm -f "$folder/tls_key"
    openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj "/CN=${1:-localhost}" \
        -keyout "$folder/tls_key" 2>/dev/null
}
make postgres_password secret
make ims_jwt_key key
make ims_secret_key secret
make ims_pseudonym_key secret
make tls_certificate certificate
chmod 444 "$folder"/*
