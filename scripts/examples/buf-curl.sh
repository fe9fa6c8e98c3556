#!/usr/bin/env bash
# Signs in to latchkey, greets with the token, signs out, and shows that the token is then rejected.
#
#   LATCHKEY_PASSWORD='correct horse battery' scripts/examples/buf-curl.sh 127.0.0.1:50051 127.0.0.1:<port of the greeter>
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
PATH=$here/../../node_modules/.bin:$PATH
latchkey=${1:?address of latchkey} greeter=${2:?address of the greeter}
: "${LATCHKEY_PASSWORD:?}" "${LATCHKEY_USERNAME:=admin}"
export LATCHKEY_PASSWORD LATCHKEY_USERNAME

call() { # address, method, more arguments of buf curl; the request comes from standard input
  local address=$1 method=$2
  shift 2
  buf curl --protocol grpc --http2-prior-knowledge --data @- "$@" "http://$address/$method"
}
greet() { call "$greeter" examples.v1.GreeterService/Hello --schema "$here/greeter.proto" "$@" <<<'{}'; }

echo '--- without a token'
greet || echo "refused"

echo '--- signed in'
# The password goes through a pipe: arguments can be read by every process of the machine.
token=$(node -p 'JSON.stringify({ username: process.env.LATCHKEY_USERNAME, password: process.env.LATCHKEY_PASSWORD })' |
  call "$latchkey" latchkey.v1.IdentityService/Login |
  node -p 'JSON.parse(require("node:fs").readFileSync(0, "utf8")).signedIn.tokens.accessToken')
greet --header "authorization: Bearer $token"

echo '--- signed out'
call "$latchkey" latchkey.v1.IdentityService/Logout <<<"{\"accessToken\": \"$token\"}" >/dev/null
# The greeter learns it within milliseconds. A very busy machine gets a few attempts.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  greet --header "authorization: Bearer $token" &>/dev/null || break
  sleep 0.1
done
greet --header "authorization: Bearer $token" || echo "refused"
