#!/usr/bin/env bash
# A distributed load test as a step of CI: a master and workers on this machine, gated on rules, compared with the last run.
#
#     deploy/ci/load-test.sh HOST [LOCUST-ARGUMENTS...]
#     WORKERS=4 deploy/ci/load-test.sh https://staging.example.com --users 200 --run-time 5m --cw-service checkout
#
# Leaves in RESULTS: records/ with this run's record, junit.xml, report.html, summary.md (for a pull request), comparison.txt and
# .html, and the workers' logs.
# Keep the records of good runs: what is in LAST, one record or a folder of some, is what the next run is compared with.
#
# Exit code: that of the run (docs/exit-codes.md: 3 a rule was broken, 4 the run can't be relied on); where that is 0, that of
# the comparison (docs/compare.md: 3 something surely got worse, or an endpoint is missing; 4 not everything could be judged).
#
# Variables: LOCUSTFILE (locustfile.py), RULES (rules.toml beside this file), WORKERS (2), RESULTS (load-test), LAST (none),
# FAIL_ON (p95=10 failures=1: what of `compare --fail-on`), COMPARE (none: more of its options, as "--allow-missing
# --min-requests 200"), MASTER_PORT (5557).
set -uo pipefail

readonly LOCUSTFILE=${LOCUSTFILE:-locustfile.py} RULES=${RULES:-$(dirname "${BASH_SOURCE[0]}")/rules.toml}
readonly WORKERS=${WORKERS:-2} RESULTS=${RESULTS:-load-test} LAST=${LAST:-} MASTER_PORT=${MASTER_PORT:-5557}
read -ra gates <<<"${FAIL_ON:-p95=10 failures=1}"
workers=()

main() {
    if [[ $# -eq 0 || $1 == -* ]]; then
        echo "usage: $0 HOST [LOCUST-ARGUMENTS...]" >&2
        exit 2
    fi
    local code
    mkdir -p "$RESULTS/records"
    trap end_workers EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    start_workers
    run_master --host "$@"
    code=$?
    summarize
    if ((code == 0)) && [[ -n $LAST && -e $LAST ]]; then
        compare
        code=$?
    fi
    exit "$code"
}

# They know nothing of AWS, nor of rules.
start_workers() {
    local number
    for ((number = 1; number <= WORKERS; number++)); do
        env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_SESSION_TOKEN \
            locust-cw run --worker --master-port "$MASTER_PORT" --locustfile "$LOCUSTFILE" \
            >"$RESULTS/worker-$number.log" 2>&1 &
        workers+=("$!")
    done
}

# In the background, so that a signal is acted on at once: the master ends its run, and its exit code says so.
run_master() {
    locust-cw run --master --master-bind-port "$MASTER_PORT" --locustfile "$LOCUSTFILE" --headless --only-summary \
        --expect-workers "$WORKERS" --expect-workers-max-wait 60 --stop-timeout 5 \
        --cw-rules "$RULES" --cw-junit "$RESULTS/junit.xml" --cw-record "$RESULTS/records" --cw-report "$RESULTS/report.html" \
        "$@" &
    local master=$! code
    trap 'kill -TERM "$master" 2>/dev/null' INT TERM
    wait "$master"
    code=$?
    while kill -0 "$master" 2>/dev/null; do # a signal has ended `wait`, and not yet the master
        wait "$master"
        code=$?
    done
    trap 'exit 130' INT
    trap 'exit 143' TERM
    return "$code"
}

# A last record that can't be read takes nothing but the changes from it.
summarize() {
    local report=(locust-cw report "$RESULTS/records" -o "$RESULTS/summary.md")
    if ! compgen -G "$RESULTS/records/*.cwrecord" >/dev/null; then
        return
    fi
    if [[ -z $LAST || ! -e $LAST ]] || ! "${report[@]}" --baseline "$LAST"; then
        "${report[@]}"
    fi
}

compare() {
    local gate arguments
    read -ra arguments <<<"${COMPARE:-}"
    for gate in "${gates[@]}"; do
        arguments+=(--fail-on "$gate")
    done
    # A record that can't be read is a reason, too.
    locust-cw compare "$LAST" "$RESULTS/records" "${arguments[@]}" --html "$RESULTS/comparison.html" 2>&1 \
        | tee "$RESULTS/comparison.txt"
}

# shellcheck disable=SC2329 # a trap calls it
end_workers() {
    [[ $BASHPID == "$$" ]] || return # a child that a signal has met before it forgot this trap
    if ((${#workers[@]})); then
        kill "${workers[@]}" 2>/dev/null
        wait
    fi
}

main "$@"
