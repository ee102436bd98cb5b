#!/usr/bin/env bash
# Checks deploy/ with the tools of those who will read it, as far as they are installed: promtool, systemd-analyze, nginx, hadolint,
# docker, python3 with PyYAML. What is missing is named and left out; SECONDME_REQUIRE_TOOLS=1 makes that a failure. nginx in front
# of running nodes is a test of its own (`nginx_passes`).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
skipped=0
failed=0

say() { printf 'check-deploy: %s\n' "$*"; }
have() { # tool
    command -v "$1" >/dev/null 2>&1 && return 0
    say "skipped: $1 is not installed"
    skipped=$((skipped + 1))
    return 1
}
check() { # name command…
    local name=$1
    shift
    if "$@" >"$work/out" 2>&1; then say "ok: $name"; else
        say "FAILED: $name"
        sed 's/^/    /' "$work/out"
        failed=$((failed + 1))
    fi
}

if have promtool; then
    check 'alerts can be read' promtool check rules deploy/prometheus/alerts.yml
    check 'alerts come when they should' promtool test rules deploy/prometheus/alerts.test.yml
fi

if have systemd-analyze; then
    # The units as they are, but for where the binary lies.
    for unit in deploy/systemd/*; do
        sed "s|/usr/local/bin/secondme|$(command -v true)|g" "$unit" >"$work/$(basename "$unit")"
    done
    for unit in "$work"/*.service "$work"/*.timer; do
        check "$(basename "$unit") is valid" systemd-analyze verify --man=no "$unit"
    done
    for unit in "$work"/*.service; do
        # In tenths: what leaves open more than this is a step back.
        check "$(basename "$unit") is closed" systemd-analyze security --offline=true --threshold=25 "$unit"
    done
fi

if have nginx; then
    sed -E "s/server node[0-9]:8787/server 127.0.0.1:8787/; s|^http \{|http { access_log off; client_body_temp_path $work/b; proxy_temp_path $work/p; fastcgi_temp_path $work/f; uwsgi_temp_path $work/u; scgi_temp_path $work/s;|" \
        deploy/compose/nginx.conf >"$work/nginx.conf"
    check 'nginx.conf can be read' nginx -t -p "$work" -c "$work/nginx.conf" -g "pid $work/pid; error_log stderr;"
fi

if have hadolint; then
    # Versions of Debian's packages are the base image's, which is pinned.
    check 'Dockerfile has no known faults' hadolint --ignore DL3008 deploy/Dockerfile
fi

if docker compose version >/dev/null 2>&1; then
    check 'compose.yml can be read' env SECONDME_SECRET_KEY=x POSTGRES_PASSWORD=x S3_SECRET_KEY=x docker compose -f deploy/compose/compose.yml config -q
else
    say 'skipped: docker compose is not installed'
    skipped=$((skipped + 1))
fi

if python3 -c 'import yaml' 2>/dev/null; then
    check 'compose.yml names only what it has' python3 - <<'PY'
import os, yaml
here = "deploy/compose"
doc = yaml.safe_load(open(f"{here}/compose.yml"))
services = doc["services"]
for name, service in services.items():
    assert "image" in service, f"{name} has no image"
    assert ":" in service["image"] or "build" in service, f"{name}: {service['image']} has no version"
    needs = service.get("depends_on", {})
    for other in needs:
        assert other in services, f"{name} needs {other}"
        want = needs[other].get("condition") if isinstance(needs, dict) else "service_started"
        assert want in ("service_started", "service_healthy", "service_completed_successfully"), want
        assert want != "service_healthy" or "healthcheck" in services[other], f"{other} has no healthcheck"
    for network in service.get("networks", []):
        assert network in doc["networks"], f"{name}: network {network}"
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        known = os.path.exists(f"{here}/{source}") if source.startswith(".") else source in doc["volumes"]
        assert known, f"{name}: volume {source}"
    build = service.get("build")
    if build:
        context = os.path.normpath(f"{here}/{build['context']}")
        assert os.path.exists(f"{context}/{build['dockerfile']}"), build
    if "build" in service:
        assert service["read_only"] and service["cap_drop"] == ["ALL"], f"{name} is open"
nodes = [name for name in services if name.startswith("node")]
conf = open(f"{here}/nginx.conf").read()
assert nodes and all(f"server {node}:8787" in conf for node in nodes), "nginx does not know every node"
assert len(nodes) == conf.count(":8787"), "nginx knows a node that is not there"
ports = [port for service in services.values() for port in service.get("ports", [])]
assert all(str(port).startswith("127.0.0.1:") for port in ports), f"open to everybody: {ports}"
PY
else
    say 'skipped: PyYAML is not installed'
    skipped=$((skipped + 1))
fi

say "$failed failed, $skipped left out"
[ "$failed" = 0 ] && { [ "$skipped" = 0 ] || [ "${SECONDME_REQUIRE_TOOLS:-}" != 1 ]; }
