#!/usr/bin/env bash
# Installs what Proxima needs beside Rust, from Debian's own packages, and nothing that is there already.
#
#   deploy/setup.sh run     build the release binaries and run three regions on this machine
#   deploy/setup.sh test    the above, and run the tests
#   deploy/setup.sh bench   the above, and compare with other servers and load generators
#
# It looks for commands, not packages, so a machine that has them from elsewhere is left alone.
set -euo pipefail

# What is needed for what: the file or command to look for, and the Debian package that has it.
RUN=(
  cc:gcc                        # ring, SQLite, zstd and jemalloc bring C sources
  /usr/include/stdio.h:libc6-dev
  make:make                     # jemalloc's build
  cmake:cmake                   # zlib-ng's build
  memcached:memcached           # the second cache tier
  setpriv:util-linux            # ties the life of child processes to their parent's
  curl:curl
  /etc/ssl/certs/ca-certificates.crt:ca-certificates
)
TEST=(
  h2load:nghttp2-client         # HTTP/2 load, and nghttp for single frames
  nghttp:nghttp2-client
  wrk:wrk                       # HTTP/1.1 load
  valgrind:valgrind             # counts instructions
  nutcracker:nutcracker         # twemproxy, the judge of where the ring's keys belong
  chromium:chromium             # a real browser as a client
  node:nodejs                   # the type check of the load scripts
  npm:npm
)
BENCH=(
  nginx:nginx-light             # the peers to compare with
  haproxy:haproxy
  varnishd:varnish
  varnishncsa:varnish           # writes Varnish's access log
  hitch:hitch                   # TLS in front of Varnish
  traffic_server:trafficserver
  squid:squid-openssl           # Debian's package squid cannot serve TLS as an origin would
  hey:hey                       # a load generator to compare ours with
  taskset:util-linux            # pins each process to one core
)

usage() {
  sed -n '2,8s/^# \{0,1\}//p' "$0"
}

fail() {
  echo "setup: $*" >&2
  exit 1
}

wanted() {
  case "$1" in
    run) NEEDED=("${RUN[@]}") ;;
    test) NEEDED=("${RUN[@]}" "${TEST[@]}") ;;
    bench) NEEDED=("${RUN[@]}" "${TEST[@]}" "${BENCH[@]}") ;;
    -h | --help | help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
}

# Sets PACKAGES to the packages of everything in NEEDED that is missing, and MISSING to its names.
find_missing() {
  local item name
  PACKAGES=() MISSING=()
  for item in "${NEEDED[@]}"; do
    name=${item%:*}
    case "$name" in
      /*) [[ -e "$name" ]] && continue ;;
      *) command -v "$name" >/dev/null && continue ;;
    esac
    MISSING+=("$name")
    PACKAGES+=("${item##*:}")
  done
}

# Debian starts a service as soon as it is installed, which would take the usual ports of memcached and others; we
# only want the binaries.
without_services() {
  local policy=/usr/sbin/policy-rc.d
  if [[ -e "$policy" ]]; then
    "$@"
    return
  fi
  trap '"${AS_ROOT[@]}" rm -f '"$policy" EXIT
  printf '#!/bin/sh\nexit 101\n' | "${AS_ROOT[@]}" tee "$policy" >/dev/null
  "${AS_ROOT[@]}" chmod 755 "$policy"
  "$@"
}

install_missing() {
  command -v apt-get >/dev/null ||
    fail "missing: ${MISSING[*]}. This is no Debian: please install them (Debian's names: ${PACKAGES[*]})"
  AS_ROOT=(env)
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      fail "missing: ${MISSING[*]}. Run as root: apt-get install ${PACKAGES[*]}"
    AS_ROOT=(sudo)
  fi
  echo "setup: installing ${PACKAGES[*]} (for ${MISSING[*]})"
  local apt=("${AS_ROOT[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update </dev/null
  without_services "${apt[@]}" install -y --no-install-recommends "${PACKAGES[@]}" </dev/null >/dev/null
}

main() {
  (($# == 1)) || { usage >&2 && exit 2; }
  wanted "$1"
  PATH=$PATH:/usr/sbin:/sbin # where Debian keeps nginx
  command -v cargo >/dev/null && command -v rustc >/dev/null ||
    fail "cargo and rustc are missing. Install Rust with rustup: https://rustup.rs"
  find_missing
  ((${#MISSING[@]} == 0)) && return
  install_missing
  find_missing
  ((${#MISSING[@]} == 0)) || fail "still missing after the installation: ${MISSING[*]}"
}

main "$@"
