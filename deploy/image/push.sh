#!/usr/bin/env bash
# Builds the image from this checkout, takes it to where the nodes of a cluster find it, and says what it did.
#
#     deploy/image/push.sh REPOSITORY[:TAG] [BUILD-ARGUMENTS...]    to a registry; in ECR it makes the repository and logs in
#     deploy/image/push.sh kind[:CLUSTER] [BUILD-ARGUMENTS...]      into the nodes of a kind cluster, without a registry
#
# The default tag is the package's version, and so is the chart's. Further arguments are those of `docker build`, as
# `--build-arg BASE_IMAGE=...`. Standard output has the image's name, and nothing else.
#
# Variables: ENGINE (docker; podman where there is no docker), PLATFORM (that of this machine; several, as
# linux/amd64,linux/arm64, need docker with buildx, or podman).
#
# Exit codes: 0; 2 a wrong call, or a program is missing; 1 something failed, and the lines above the last say why.
set -euo pipefail

readonly HERE=localhost/locust-cw # as docker, podman and kind's nodes all read it

main() {
    local target=${1:-}
    if [[ -z $target || $target == -* || $target == *@* ]]; then
        echo "usage: $0 REPOSITORY[:TAG] | kind[:CLUSTER] [BUILD-ARGUMENTS...]" >&2
        exit 2
    fi
    shift
    cd "$(dirname "${BASH_SOURCE[0]}")/../.."
    engine=${ENGINE:-$(first_of docker podman)}
    needs "$engine" "it, or docker, builds the image"
    version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' locust_cw_dist/__init__.py)
    image=$target
    [[ $target == kind || $target == kind:* ]] && image=$HERE
    [[ ${image##*/} == *:* ]] || image+=":$version"
    if [[ $image == "$HERE:"* ]]; then
        [[ ${PLATFORM:-} != *,* ]] || { say "kind takes one platform, not PLATFORM=$PLATFORM"; exit 2; }
        needs kind "it loads the image into its nodes"
        build "$@"
        load "$(cut -s -d: -f2 <<<"$target")" # the part after the colon, if there is one
    else
        log_in_to_ecr
        build "$@"
        push
    fi
    next
    echo "$image"
}

say() {
    printf 'push: %s\n' "$*" >&2
}

die() {
    say "$*"
    exit 1
}

first_of() {
    local name
    for name; do
        command -v "$name" >/dev/null && break
    done
    echo "$name"
}

needs() {
    command -v "$1" >/dev/null || { say "$1 is not installed: $2"; exit 2; }
}

# Whoever may push and not make repositories goes on: the push says whether there is one.
log_in_to_ecr() {
    [[ $image =~ ^([0-9]{12})\.dkr\.ecr(-fips)?\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/([^:]+): ]] || return 0
    local which=(--registry-id "${BASH_REMATCH[1]}" --region "${BASH_REMATCH[3]}") region=${BASH_REMATCH[3]}
    local name=${BASH_REMATCH[5]} host=${image%%/*}
    needs aws "it logs in to ECR"
    if ! aws ecr describe-repositories "${which[@]}" --repository-names "$name" >/dev/null 2>&1; then
        aws ecr create-repository "${which[@]}" --repository-name "$name" >/dev/null && say "made the repository $name in ECR"
    fi || say "can't make the repository $name in ECR; if it is there, this goes on"
    aws ecr get-login-password --region "$region" | "$engine" login --username AWS --password-stdin "$host" >&2 \
        || die "can't log in to $host"
    say "logged in to $host"
}

build() {
    local revision command=("$engine" build --file deploy/image/Dockerfile)
    revision=$(git describe --always --dirty 2>/dev/null) || revision=unknown
    if [[ ${PLATFORM:-} == *,* ]]; then
        case $engine in
            *podman)
                "$engine" manifest rm "$image" >/dev/null 2>&1 || true # a build adds to one that is there
                command+=(--platform "$PLATFORM" --manifest "$image")
                ;;
            # It keeps no image for several platforms: it pushes what it has built.
            *) command=("$engine" buildx "${command[@]:1}" --platform "$PLATFORM" --push --tag "$image") ;;
        esac
    else
        command+=(${PLATFORM:+--platform "$PLATFORM"} --tag "$image")
    fi
    command+=(--build-arg "VERSION=$version" --build-arg "REVISION=$revision" "$@" .)
    "${command[@]}" >&2 || die "the build failed"
    say "built $image from $version ($revision) for ${PLATFORM:-the platform of this machine}"
}

push() {
    local digest
    if [[ ${PLATFORM:-} == *,* ]]; then
        [[ $engine != *podman ]] || "$engine" manifest push --all "$image" "docker://$image" >&2 || die "the push failed"
        say "pushed $image"
        return
    fi
    "$engine" push "$image" >&2 || die "the push failed: is there such a repository, and are you logged in?"
    digest=$("$engine" image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$image" \
        | sed -n "s|^${image%:*}@||p" | head -n 1)
    say "pushed $image${digest:+, to pin it: --set image.digest=$digest}"
}

load() {
    local cluster=${1:-kind} folder
    folder=$(mktemp -d)
    # shellcheck disable=SC2064 # this folder, and no later one
    trap "rm -rf '$folder'" EXIT
    "$engine" save --output "$folder/image.tar" "$image" >&2 || die "the image can't be saved"
    kind load image-archive "$folder/image.tar" --name "$cluster" >&2 || die "kind can't load the image into the cluster $cluster"
    say "loaded $image into the nodes of the kind cluster $cluster"
}

next() {
    local tag=${image##*:} values="--set image.repository=${image%:*}"
    [[ $tag == "$version" ]] || values+=" --set-string image.tag=$tag"
    say "run a sample: helm install sample deploy/helm $values --set locustfile.sample=true"
}

main "$@"
