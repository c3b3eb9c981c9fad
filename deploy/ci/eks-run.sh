#!/usr/bin/env bash
# One headless run on a cluster, from install to uninstall; the exit code is the master's.
#
#     deploy/ci/eks-run.sh RELEASE [HELM-INSTALL-ARGUMENTS...]
#     deploy/ci/eks-run.sh checkout-1234 -f values.yaml --set-file locustfile.content=locustfile.py --set locust.runTime=10m
#
# Whatever happens, the release is uninstalled in the end, unless KEEP=1; with that its workers, and the pod's log, go. Exit codes:
#
#     the master's    when its container has ended: 0, 1, 3, 4 and so on (docs/exit-codes.md)
#     2               a wrong call, or a release of that name is there already
#     4               the Job failed, and no exit code says so: evicted, deleted, past its deadline
#     5               the master has not started within START_TIMEOUT_S: no node, no image, no quota
#     6               helm or kubectl failed: nothing can be said of the run
#     129, 130, 143   a signal ended this script; the master still publishes what it has
#
# Variables: NAMESPACE (that of the context), CHART (deploy/helm beside this file), START_TIMEOUT_S (900), POLL_S (5), KEEP.
set -uo pipefail

readonly START_TIMEOUT_S=${START_TIMEOUT_S:-900} POLL_S=${POLL_S:-5} KEEP=${KEEP:-}
readonly UNRELIABLE=4 NOT_STARTED=5 NO_ANSWER=6
readonly TRIES=12 # of kubectl: an API server may be away for a minute
chart=${CHART:-$(dirname "${BASH_SOURCE[0]}")/../helm}
release=${1:-}
readonly chart release

where=()
if [[ -n ${NAMESPACE:-} ]]; then
    where=(--namespace "$NAMESPACE")
fi
readonly where
readonly selector="app.kubernetes.io/instance=$release,app.kubernetes.io/component=master"
# A line for each pod: name | why it waits | since when it runs | exit code.
readonly state='.status.containerStatuses[?(@.name=="locust")].state'
readonly pod_columns="{range .items[*]}{.metadata.name}|{$state.waiting.reason}|{$state.running.startedAt}|{$state.terminated.exitCode}{\"\\n\"}{end}"
# Complete and Failed are the last conditions of a Job; others come before them.
readonly job_columns='{range .items[*].status.conditions[?(@.status=="True")]}{.type} {.reason}{"\n"}{end}'

is_installed=
pod='' waits='' started='' exit_code=''
job=''

main() {
    if [[ -z $release || $release == -* ]]; then
        echo "usage: $0 RELEASE [HELM-INSTALL-ARGUMENTS...]" >&2
        exit 2
    fi
    shift
    # Somebody else's release must not be uninstalled in the end.
    if helm status "$release" ${where[@]+"${where[@]}"} >/dev/null 2>&1; then
        say "there is a release $release already: each run needs a name of its own"
        exit 2
    fi
    trap finish EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    is_installed=1
    helm install "$release" "$chart" ${where[@]+"${where[@]}"} "$@" --set mode=job >&2 &
    wait "$!" || { say "helm install failed"; exit "$NO_ANSWER"; }
    await_start
    await_end
    conclude
}

say() {
    printf 'eks-run: %s\n' "$*" >&2
}

# In the background, since bash acts on a signal at once where it waits for such a program, and else only afterwards.
pause() {
    sleep "$1" &
    wait "$!"
}

# Asks for the state of pod and Job.
look() {
    local tries line jobs code
    for ((tries = 1; ; tries++)); do
        if line=$(kubectl_get pods "$pod_columns") && jobs=$(kubectl_get jobs "$job_columns"); then
            IFS='|' read -r pod waits started code <<<"$(tail -n 1 <<<"$line")"
            exit_code=${code:-$exit_code} # a pod may be deleted after its end
            job=$(grep -E '^(Complete|Failed) ?' <<<"$jobs" | tail -n 1)
            return 0
        fi
        if ((tries == TRIES)); then
            say "kubectl failed $tries times in a row"
            exit "$NO_ANSWER"
        fi
        pause "$POLL_S"
    done
}

kubectl_get() {
    kubectl get "$1" ${where[@]+"${where[@]}"} --selector "$selector" --sort-by .metadata.creationTimestamp \
        --output "jsonpath=$2"
}

await_start() {
    local said='' now end_s=$((SECONDS + START_TIMEOUT_S))
    while look && [[ -z $started && -z $exit_code && -z $job ]]; do
        if ((SECONDS >= end_s)); then
            say "the master has not started within $START_TIMEOUT_S s"
            kubectl describe pods ${where[@]+"${where[@]}"} --selector "$selector" >&2
            exit "$NOT_STARTED"
        fi
        now=${pod:-no pod}${waits:+: $waits}
        if [[ $now != "$said" ]]; then
            say "waiting for the master: $now"
            said=$now
        fi
        pause "$POLL_S"
    done
}

# The log's connection may break in a long run; then it goes on from a little before, so a line may come twice.
await_end() {
    local logs='' since=()
    while [[ -n $pod ]]; do
        if [[ -z $logs ]] || { [[ -z $exit_code ]] && ! kill -0 "$logs" 2>/dev/null; }; then
            kubectl logs ${where[@]+"${where[@]}"} --follow --container locust ${since[@]+"${since[@]}"} "$pod" &
            logs=$!
            since=(--since 20s)
        fi
        if [[ -n $exit_code || -n $job ]]; then
            break
        fi
        pause "$POLL_S"
        look
    done
    if [[ -n $logs ]]; then
        await_log "$logs"
    fi
}

await_log() {
    local end_s=$((SECONDS + 30))
    while kill -0 "$1" 2>/dev/null && ((SECONDS < end_s)); do
        pause 0.2
    done
}

# A master that ended well in a Job that failed was evicted, or its sidecar failed: that must not pass.
conclude() {
    local end_s=$((SECONDS + 60))
    while [[ ${exit_code:-0} == 0 && -z $job ]] && ((SECONDS < end_s)); do
        pause "$POLL_S"
        look
    done
    if [[ $job == Failed* && ${exit_code:-0} == 0 ]]; then
        say "the Job failed: ${job#Failed }; the master's exit code: ${exit_code:-unknown}"
        exit "$UNRELIABLE"
    fi
    if [[ -z $exit_code ]]; then
        say "the master's pod is gone, and its exit code with it"
        exit "$UNRELIABLE"
    fi
    say "the master's exit code: $exit_code"
    exit "$exit_code"
}

# shellcheck disable=SC2329 # a trap calls it
finish() {
    local code=$? running
    [[ $BASHPID == "$$" ]] || exit "$code" # a child that a signal has met before it forgot these traps
    trap '' HUP INT TERM
    trap - EXIT
    mapfile -t running < <(jobs -pr)
    if ((${#running[@]})); then
        kill "${running[@]}" 2>/dev/null
        wait
    fi
    if [[ -n $KEEP ]]; then
        say "the release $release stays"
    elif [[ -n $is_installed ]] && ! helm uninstall "$release" ${where[@]+"${where[@]}"} --ignore-not-found --wait >&2; then
        say "helm uninstall failed: remove the release $release by hand"
    fi
    exit "$code"
}

main "$@"
