#!/bin/sh
# Who is who inside: an authority whose key nobody else has, by it a certificate for the database's server, and for each
# part one of a day, made anew every eight hours. By it a part serves TLS and signs in at the database, which takes no
# password from the network; Prometheus reads figures by its own (IMS_METRICS_NAMES). What is open goes on; each new
# connection reads what lies there by then. `certificates.sh FOLDER` goes on for ever, `certificates.sh FOLDER once` ends.
set -eu
umask 027
folder=$1
ims=${IMS_GROUP:-10001} # of the image's user
postgres=${POSTGRES_GROUP:-999} # of the database's

# a name, its days, who may read its key, and more words of the certificate; it is signed, and put in place whole
certify() {
    name=$1 days=$2 group=$3
    shift 3
    mkdir -p "$folder/$name"
    cd "$folder/$name"
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" "$@" \
        -keyout tls.key.part -out request.part
    openssl x509 -req -in request.part -CA "$folder/authority/ca.crt" -CAkey "$folder/authority/ca.key" \
        -copy_extensions copy -days "$days" -out tls.crt.part
    rm request.part
    chgrp "$group" . tls.key.part
    chmod 640 tls.key.part
    chmod 644 tls.crt.part
    install -m 644 "$folder/authority/ca.crt" ca.crt
    mv tls.crt.part tls.crt
    mv tls.key.part tls.key
}

mkdir -p "$folder/authority"
if [ ! -s "$folder/authority/ca.crt" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=ims parts" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout "$folder/authority/ca.key" \
        -out "$folder/authority/ca.part"
    mv "$folder/authority/ca.part" "$folder/authority/ca.crt"
fi
# the door believes the parts, and proves itself to people alone
install -D -m 644 "$folder/authority/ca.crt" "$folder/door/ca.crt"
[ -s "$folder/postgres/tls.key" ] ||
    (certify postgres 3650 "$postgres" -addext "subjectAltName=DNS:postgres")
trap "exit 0" TERM
while :; do
    for part in api dashboards; do
        (certify "$part" 1 "$ims" -addext "subjectAltName=DNS:$part,DNS:localhost")
    done
    for part in dagster prometheus; do
        (certify "$part" 1 "$ims" -addext "extendedKeyUsage=clientAuth")
    done
    [ "${2:-}" != once ] || exit 0
    sleep 28800 &
    wait $!
done
