# shellcheck shell=bash
# A service to test and a local CloudWatch on this machine, and variables that send metrics there and not to AWS:
#
#     . .venv/bin/activate && . deploy/local/start.sh
#
# For bash and zsh. The service is the shop of `locust-cw demo` on port 8080, the CloudWatch listens on port 4582. Both end with
# this shell. If another shell has started them already, these here take over when that one ends.

_locust_cw_serve() {
    # While the port is taken, try again; the end of standard input is the end of the shell.
    until "$@" --until-stdin-closes; do
        read -r -t 0.2 || [ $? -gt 128 ] || return
    done >/dev/null 2>&1
}

_locust_cw_wait() {
    for _ in $(seq 100); do
        if python -c "import socket; socket.create_connection(('127.0.0.1', $1), 1).close()" 2>/dev/null; then
            echo "$2: http://127.0.0.1:$1"
            return
        fi
        sleep 0.1
    done
    echo "$2: nothing answers on port $1" >&2
    return 1
}

# Each reads a pipe that this shell holds open and never writes to. The variable is not exported: it is of this shell alone.
if [ -z "${_locust_cw_started:-}" ]; then
    exec 8> >(_locust_cw_serve python -m locust_cw_dist.tools.demo.target --port 8080)
    exec 9> >(_locust_cw_serve locust-cw local-cloudwatch --port 4582 --quiet)
    _locust_cw_started=yes
fi
_locust_cw_wait 8080 "a service to test" && _locust_cw_wait 4582 "a local CloudWatch"

export AWS_ENDPOINT_URL_CLOUDWATCH=http://127.0.0.1:4582 AWS_ENDPOINT_URL_STS=http://127.0.0.1:4582
export AWS_DEFAULT_REGION=eu-central-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
unset AWS_PROFILE AWS_SESSION_TOKEN
