# The same commands as the Makefile, for those who use just. The Makefile is where they are written.

default:
    @make help

run *args:
    @make run ARGS="{{ args }}"

test *args:
    @make test ARGS="{{ args }}"

test-model:
    @make test-model

check:
    @make check

gen:
    @make gen

e2e *args:
    @make e2e ARGS="{{ args }}"

bench *args:
    @make bench ARGS="{{ args }}"

clean-data:
    @make clean-data

test-cluster:
    @make test-cluster

crash-matrix:
    @make crash-matrix

# nodes of an older binary replaced one by one: just test-upgrade OLD=path
test-upgrade *args:
    @make test-upgrade {{args}}

# check deploy/ with promtool, systemd-analyze, nginx, hadolint
check-deploy:
    @make check-deploy

soak *args:
    @make soak ARGS="{{args}}"

bench-scale *args:
    @make bench-scale ARGS="{{args}}"
