#!/bin/sh
# Finds the system packages that are missing and installs them (Debian/Ubuntu, as root) or names them.
#
#   scripts/setup.sh build   what it takes to build and run: C/C++ compiler, make, cmake, libclang, python3 with pip
#   scripts/setup.sh test    build, and what the tests start for themselves: PostgreSQL's server programs, nats-server, nginx, node with npm
#   scripts/setup.sh e2e     test, and a Chromium for the browser tests
#
# With nothing missing it prints nothing and takes milliseconds. Missing build packages are an error; missing test
# services are only reported, because the tests that need them are then reported as skipped, unless
# SECONDME_REQUIRE_SERVICES=1 (as in CI). SECONDME_SKIP_SETUP=1 skips the whole check.
# No service is started and no database cluster is created by what is installed here.
set -eu

[ "${SECONDME_SKIP_SETUP:-}" = 1 ] && exit 0

say() { printf 'setup: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
# True when one of the arguments (an expanded glob) exists.
any() { for f in "$@"; do [ -e "$f" ] && return 0; done; return 1; }

debian=false
[ -e /etc/debian_version ] && have apt-get && debian=true

have_compilers() {
    { have cc || have gcc || have clang; } && { have c++ || have g++ || have clang++; }
}

have_libclang() {
    if [ -n "${LIBCLANG_PATH:-}" ]; then
        any "$LIBCLANG_PATH" "$LIBCLANG_PATH"/libclang*.so* && return 0
    fi
    # Debian puts each version under its own folder; bindgen also needs the compiler headers beside the library.
    for lib in /usr/lib/llvm-*/lib; do
        any "$lib"/libclang.so* "$lib"/libclang-[0-9]*.so* && any "$lib"/clang/*/include/stddef.h && return 0
    done
    if have llvm-config; then
        lib=$(llvm-config --libdir)
        any "$lib"/libclang.so* "$lib"/libclang.dylib && return 0
    fi
    $debian && return 1
    any /usr/lib/libclang.so* /usr/lib64/libclang.so* /usr/lib64/llvm*/lib/libclang.so* /usr/local/lib/libclang.so* \
        /usr/local/llvm*/lib/libclang.so* /opt/homebrew/opt/llvm/lib/libclang.dylib \
        /Library/Developer/CommandLineTools/usr/lib/libclang.dylib \
        /Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib/libclang.dylib
}

have_pip() {
    have pip3 || [ -d /usr/lib/python3/dist-packages/pip ] ||
        python3 -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("pip") is None)' 2>/dev/null
}

have_postgres() {
    { have initdb && have postgres; } ||
        any /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /opt/homebrew/opt/postgresql*/bin/initdb
}

packages=''  # Debian's names of what is missing
needs=''     # the same in words, for other systems
missing() { packages="$packages $1"; needs="$needs${needs:+, }$2"; }

check_build() {
    have_compilers || missing g++ 'a C and C++ compiler'
    have make || missing make 'make'
    have cmake || missing cmake 'cmake'
    have_libclang || missing libclang-dev 'libclang with its headers'
    have python3 || missing python3 'python3'
    have_pip || missing python3-pip 'pip for python3'
}

check_test() {
    have_postgres || missing postgresql 'PostgreSQL server programs (initdb, postgres)'
    have nats-server || [ -x /usr/sbin/nats-server ] || missing nats-server 'nats-server'
    have nginx || [ -x /usr/sbin/nginx ] || missing nginx-light 'nginx'
    have node || missing nodejs 'Node.js (18 or newer)'
    have npm || missing npm 'npm'
}

check_e2e() {
    have chromium || have chromium-browser || have google-chrome || missing chromium 'Chromium'
    # Without Chinese letters the pictures of the pages show boxes.
    [ -n "$(fc-list :lang=zh 2>/dev/null)" ] || missing fonts-droid-fallback 'a font with Chinese letters'
}

# What is installed must not start anything: no services, no database cluster. Both notes are taken away again.
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.d/secondme-setup.conf
ours=''
quiet_begin() {
    trap quiet_end EXIT
    trap 'exit 130' INT TERM HUP
    if [ ! -e "$policy" ]; then
        ours="$ours $policy"
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    if [ ! -e "$cluster" ]; then
        ours="$ours $cluster"
        mkdir -p "${cluster%/*}"
        printf 'create_main_cluster = false\n' >"$cluster"
    fi
}
quiet_end() { for f in $ours; do rm -f "$f"; done; ours=''; }

apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2; }

updated=false
install_packages() { # package…
    say "installing $*"
    quiet_begin
    if ! $updated; then
        updated=true
        apt update || say 'apt-get update failed; trying with the package lists that are there'
    fi
    if apt install -y --no-install-recommends "$@"; then ok=0; else ok=1; fi
    quiet_end
    trap - EXIT INT TERM HUP
    return $ok
}

# Gets what is missing of one step. Returns non-zero, having said what to do, if that was not possible.
settle() { # what it is for
    [ -n "$packages" ] || return 0
    if ! $debian; then
        say "missing for $1: $needs. Please install it with your system's package manager."
        return 1
    fi
    # shellcheck disable=SC2086  # a list of words
    if [ "$(id -u)" = 0 ]; then
        install_packages $packages || { say "could not install for $1:$packages"; return 1; }
    else
        say "missing for $1. Please run:"
        echo "sudo apt-get install -y --no-install-recommends$packages" >&2
        return 1
    fi
}

optional() { # check what_for
    packages='' needs=''
    "$1"
    settle "$2" && return 0
    [ "${SECONDME_REQUIRE_SERVICES:-}" = 1 ] && exit 1
    say "going on without; tests that need it are reported as skipped"
}

step=${1:-build}
case $step in
build | test | e2e) ;;
*) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p;}' "$0" >&2; exit 2 ;;
esac

if ! have cargo && [ ! -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    say 'cargo was not found. Install Rust with rustup (https://rustup.rs), then open a new shell.'
    exit 1
fi
check_build
settle 'the build' || exit 1
[ "$step" = build ] || optional check_test 'the tests'
[ "$step" != e2e ] || optional check_e2e 'the browser tests'
