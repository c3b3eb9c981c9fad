{{/* What is run: command, arguments, environment. */}}

{{/* How many workers there are at the start. */}}
{{- define "locust-cw.workers" -}}
{{- $values := .Values -}}
{{- if $values.autoscaling.enabled -}}
{{- int $values.autoscaling.minReplicas -}}
{{- else if $values.keda.enabled -}}
{{- int $values.keda.minReplicas -}}
{{- else -}}
{{- int $values.worker.replicas -}}
{{- end -}}
{{- end -}}

{{- define "locust-cw.expectWorkers" -}}
{{- if kindIs "invalid" .Values.locust.expectWorkers -}}
{{- include "locust-cw.workers" . -}}
{{- else -}}
{{- int .Values.locust.expectWorkers -}}
{{- end -}}
{{- end -}}

{{/*
Locust exits with 0 when SIGTERM ends it in the middle of a run, and a pod that is evicted would count as a success. This
passes the signal on, waits, and turns that 0 into 143; every other code stays.
*/}}
{{- define "locust-cw.jobCommand" -}}
- /bin/sh
- -c
- |
  stopped= pid=
  trap 'stopped=1; [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null' TERM INT
  locust-cw run "$@" &
  pid=$!
  [ -z "$stopped" ] || kill -TERM "$pid" 2>/dev/null
  while :; do
    wait "$pid"
    code=$?
    kill -0 "$pid" 2>/dev/null || break
  done
  if [ -n "$stopped" ] && [ "$code" -eq 0 ]; then
    echo "locust-cw: ended by a signal in the middle of the run: exit code 143" >&2
    code=143
  fi
  exit "$code"
- locust-cw
{{- end -}}

{{- define "locust-cw.command" -}}
{{- if eq .Values.mode "job" -}}
{{- include "locust-cw.jobCommand" . -}}
{{- else -}}
- locust-cw
- run
{{- end -}}
{{- end -}}

{{- define "locust-cw.locustfilePath" -}}
{{- .Values.locustfile.imagePath | default (printf "/mnt/locust/%s" .Values.locustfile.name) -}}
{{- end -}}

{{- define "locust-cw.masterArgs" -}}
{{- $locust := .Values.locust -}}
{{- $args := list "--master" -}}
{{- /* A list ends at the next option, so these come early. */ -}}
{{- range $option, $names := dict "tags" $locust.tags "exclude-tags" $locust.excludeTags -}}
{{- if $names -}}{{- $args = concat $args (list (printf "--%s" $option)) $names -}}{{- end -}}
{{- end -}}
{{- $args = append $args (printf "--locustfile=%s" (include "locust-cw.locustfilePath" .)) -}}
{{- if eq .Values.mode "job" -}}
{{- $args = append $args "--headless" -}}
{{- else if $locust.autostart -}}
{{- $args = append $args "--autostart" -}}
{{- end -}}
{{- if or (eq .Values.mode "job") $locust.autostart -}}
{{- $args = concat $args (list (printf "--expect-workers=%s" (include "locust-cw.expectWorkers" .)) (printf "--expect-workers-max-wait=%d" (int $locust.expectWorkersMaxWaitSeconds))) -}}
{{- end -}}
{{- range $option, $value := dict "host" $locust.host "users" $locust.users "spawn-rate" $locust.spawnRate "run-time" $locust.runTime -}}
{{- if $value -}}{{- $args = append $args (printf "--%s=%s" $option (toString $value)) -}}{{- end -}}
{{- end -}}
{{- $args = concat $args (list (printf "--stop-timeout=%d" (int $locust.stopTimeoutSeconds)) (printf "--exit-code-on-error=%d" (int $locust.exitCodeOnError)) (printf "--loglevel=%s" $locust.logLevel)) -}}
{{- range $option, $wanted := dict "only-summary" $locust.onlySummary "enable-rebalancing" $locust.enableRebalancing "web-login" .Values.web.login.enabled -}}
{{- if $wanted -}}{{- $args = append $args (printf "--%s" $option) -}}{{- end -}}
{{- end -}}
{{- if and (eq .Values.mode "web") .Values.web.basePath -}}
{{- $args = append $args (printf "--web-base-path=%s" .Values.web.basePath) -}}
{{- end -}}
{{- if and (eq .Values.mode "web") .Values.web.tls.existingSecret -}}
{{- $args = concat $args (list "--tls-cert=/etc/locust-cw/tls/tls.crt" "--tls-key=/etc/locust-cw/tls/tls.key") -}}
{{- end -}}
{{- toYaml (concat $args $locust.userClasses $locust.extraArgs) -}}
{{- end -}}

{{/*
The workers' own exit codes say nothing of the run: with Locust's default a worker whose requests failed would fail its Job.
*/}}
{{- define "locust-cw.workerArgs" -}}
{{- $locust := .Values.locust -}}
{{- $args := list "--worker" (printf "--locustfile=%s" (include "locust-cw.locustfilePath" .)) (printf "--master-host=%s-master" (include "locust-cw.fullname" .)) "--master-port=5557" (printf "--loglevel=%s" $locust.logLevel) -}}
{{- if eq .Values.mode "job" -}}{{- $args = append $args "--exit-code-on-error=0" -}}{{- end -}}
{{- toYaml (concat $args $locust.workerExtraArgs) -}}
{{- end -}}
