#!/bin/sh
# Makes the certificates of the test servers anew. Their key protects nothing: it serves localhost, in tests.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }
sign() { # name, host, first and last day
    printf '[ca]\ndefault_ca=a\n[a]\ndatabase=%s/index\nserial=%s/serial\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n' \
        "$work" "$work" "$work" > "$work/conf"
    printf '[p]\ncommonName=supplied\n[e]\nsubjectAltName=DNS:%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' "$2" >> "$work/conf"
    : > "$work/index"
    openssl rand -hex 8 > "$work/serial"
    openssl req -new -key server.key -subj "/CN=$1" -out "$work/csr"
    openssl ca -batch -notext -config "$work/conf" -cert authority.pem -keyfile "$work/key" -startdate "$3" -enddate "$4" \
        -in "$work/csr" -out "$1.pem"
}
key "$work/key"
key server.key
openssl req -x509 -new -key "$work/key" -subj "/CN=chatzy-export tests" -days 27000 -out authority.pem
sign valid localhost 20200101000000Z 20991231235959Z
sign expired localhost 20200101000000Z 20210101000000Z
sign early localhost 20980101000000Z 20991231235959Z
sign elsewhere elsewhere.example 20200101000000Z 20991231235959Z
rm -r "$work"
