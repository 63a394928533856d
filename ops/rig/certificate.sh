# Read by the scripts of servers that speak TLS, with `dir` and RIG_LISTEN set.

# issue_certificate NAME: an authority of its own in $dir/ca.crt and, with its key, a certificate in $dir/site.pem; once.
issue_certificate() {
    [[ ! -s $dir/site.pem ]] || return 0
    (
        cd "$dir"
        umask 077
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
            -subj "/CN=Rig $1 CA" -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.crt
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
            -keyout site.key -out site.csr
        printf '%s\n' "subjectAltName=DNS:localhost,IP:${RIG_LISTEN%:*}" extendedKeyUsage=serverAuth \
            basicConstraints=CA:FALSE >site.ext
        openssl x509 -req -in site.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 \
            -extfile site.ext -out site.crt
        cat site.crt site.key >site.pem
        rm site.csr site.ext
    ) 2>"$dir/openssl.log" || { cat "$dir/openssl.log" >&2; return 1; }
}
